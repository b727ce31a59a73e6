"""GitHub workflow commands, parsed as GitHub's runner parses them."""

from __future__ import annotations

import re

import documents
from msgspec.structs import replace
from outcomes import ADDRESS, due, finding, judged, many, mixed, pair

from checker.model.location import Location
from checker.model.outcome import UNVERIFIED
from checker.model.severity import Severity
from checker.reports import FORMATS
from checker.reports.github import workflow_commands


def commands(outcome) -> list[tuple[str, dict[str, str], str]]:
    """Return command, properties and message of each line, by the runner's
    `ActionCommand.TryParseV2`.
    """
    found = []
    for line in FORMATS["github"].render(outcome).splitlines():
        begin = re.fullmatch(r"::(error|warning|notice)(?: (.*?))?::(.*)", line)
        assert begin, line
        command, properties, message = begin.groups()
        pairs = dict(entry.split("=", 1) for entry in (properties or "").split(",") if entry)
        for mark, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            pairs = {key: entry.replace(mark, sign) for key, entry in pairs.items()}
            message = message.replace(mark, sign) if mark not in ("%3A", "%2C") else message
        found.append((command, pairs, message))
    return found


def test_an_annotation_has_its_file_line_title_message_and_remedy(tmp_path):
    """An annotation has the file and line of the block, a title, the message, and the remedy on its
    own line.
    """
    (first, last) = commands(due(tmp_path))
    command, properties, message = first
    assert (command, properties) == (
        "error",
        {"file": "main.tf", "line": "1", "title": f"certificate-expiring {ADDRESS}"},
    )
    assert message.splitlines()[0].startswith("certificate old000 ends on 2026-12-05, in 12 days")
    assert message.splitlines()[1].startswith("To do: run `tfcert patch`")
    assert last == ("notice", {"title": "tfcert"}, "tfcert: findings")


def test_levels(tmp_path):
    """An unverified finding is an error, and a suppressed one is a notice that says so."""
    found = [
        (command, properties["title"].split()[0])
        for command, properties, _ in commands(mixed(tmp_path))
    ]
    assert sorted(found) == [
        ("error", "certificate-expiring"),
        ("error", "certificate-unverified"),
        ("notice", "certificate-drifted"),
        ("notice", "suppressed:"),
        ("notice", "suppressed:"),
        ("notice", "tfcert"),
        ("warning", "rotation-premature"),
    ]


def test_ten_of_a_level_the_most_urgent_first_and_how_many_more():
    """At most ten annotations per level are written, the most urgent first, with a count of the
    others.
    """
    outcome = many(200)
    told = commands(outcome)
    counted = {
        level: [message for command, _, message in told if command == level]
        for level in ("error", "warning", "notice")
    }
    assert {level: len(messages) for level, messages in counted.items()} == {
        "error": 10,
        "warning": 10,
        "notice": 1,
    }
    assert all(
        "in 0 days" in message or "in 1 day" in message or "in 2 days" in message
        for message in counted["error"][:4]
    )
    errors = sum(finding.severity is Severity.ERROR for finding in outcome.findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in outcome.findings)
    assert f"{errors - 10} more errors, {warnings - 10} more warnings" in counted["notice"][0]


def test_what_github_would_take_apart_is_escaped(tmp_path):
    """Commas, colons, percent signs and line ends are escaped in every part."""
    nasty = "a,b:c%0Ad\r\n::error::x"
    outcome = replace(
        due(tmp_path),
        findings=(finding(address=nasty, message=nasty, location=Location(nasty, 3)),),
    )
    (first, _) = commands(outcome)
    assert first[1]["line"] == "3"
    assert first[1]["file"] == first[1]["title"].removeprefix("certificate-expiring ")
    assert first[1]["file"].startswith("a,b:c%0Ad\\r\\n")


def test_i4_a_clean_run_says_so_and_an_unverified_one_does_not():
    """I4: a clean run has one notice that says so; an unverified run says inconclusive."""
    assert commands(judged(pair("orders", None, "old000", 300))) == [
        ("notice", {"title": "tfcert"}, "tfcert: clean")
    ]
    outcome = replace(judged(), findings=(finding(rule=UNVERIFIED, source=None, address=None),))
    assert commands(outcome)[-1][2] == "tfcert: inconclusive"


def test_what_exceeds_the_limit_of_a_kind_is_counted():
    """GitHub shows ten annotations of a kind: the tenth counts the findings of other runs."""
    found = [documents.finding(address=f"{ADDRESS}_{number}") for number in range(11)]
    nine = list(workflow_commands(documents.named(documents.outcome(findings=found[:9]))))
    assert len(nine) == 9
    made = list(workflow_commands(documents.named(documents.outcome(findings=found))))
    assert len(made) == 10
    assert made[-1] == "::error title=tfcert::and 2 more errors, in the JSON"
