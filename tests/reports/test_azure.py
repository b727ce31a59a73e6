"""Azure Pipelines' logging commands, parsed as the agent parses them."""

from __future__ import annotations

import re

from msgspec.structs import replace
from outcomes import ADDRESS, due, finding, judged, mixed

from checker.model.location import Location
from checker.model.outcome import UNVERIFIED
from checker.model.severity import Severity
from checker.reports import FORMATS

SIGNS = (("%3B", ";"), ("%5D", "]"), ("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%"))


def issues(outcome) -> tuple[list[tuple[dict[str, str], str]], list[str]]:
    """Return the properties and message of each command, by the agent's `Command.TryParse`, and
    other lines.
    """
    found, others = [], []
    for line in FORMATS["azure"].render(outcome).splitlines():
        begin = re.match(r"##vso\[task\.logissue ([^\]]*)\]", line)
        if begin is None:
            others.append(line)
            continue
        pairs = dict(entry.split("=", 1) for entry in begin[1].split(";") if entry)
        found.append(
            ({key: unescape(text) for key, text in pairs.items()}, unescape(line[begin.end() :]))
        )
    return found, others


def unescape(text: str) -> str:
    """Return the unescaped text, as the agent's server gets it."""
    for mark, sign in SIGNS:
        text = text.replace(mark, sign)
    return text


def test_an_issue_has_its_file_line_rule_and_remedy(tmp_path):
    """An issue has the file and line of the block, the rule, and the remedy."""
    ((properties, message),), (last,) = issues(due(tmp_path))
    assert properties == {
        "type": "error",
        "sourcepath": "main.tf",
        "linenumber": "1",
        "code": "certificate-expiring",
    }
    assert message.startswith(f"{ADDRESS}: certificate old000 ends on 2026-12-05, in 12 days")
    assert "To do: run `tfcert patch`" in message
    assert last == "tfcert: findings"


def test_an_unverified_item_is_an_error_and_what_does_not_count_is_a_plain_line(tmp_path):
    """I4: an unverified item is an error. Notes and suppressed findings are plain log lines."""
    found, others = issues(mixed(tmp_path))
    assert sorted((pairs["type"], pairs["code"]) for pairs, _ in found) == [
        ("error", "certificate-expiring"),
        ("error", UNVERIFIED),
        ("warning", "rotation-premature"),
    ]
    assert [line.split(":")[0] for line in others] == [
        "suppressed until 2026-12-31 (the backend is retired in December)",
        "suppressed until 2026-12-31 (the backend is retired in December)",
        "note",
        "tfcert",
    ]


def test_ten_of_a_type_are_issues_and_the_others_are_counted():
    """At most ten issues per type are written; the others are log lines and a count."""
    findings = tuple(
        finding(address=f"aws_api_gateway_client_certificate.c{number:02}", severity=severity)
        for severity, count in ((Severity.ERROR, 12), (Severity.WARNING, 10))
        for number in range(count)
    )
    found, others = issues(replace(judged(), findings=findings))
    assert [pairs["type"] for pairs, _ in found].count("error") == 10
    assert [pairs["type"] for pairs, _ in found].count("warning") == 10
    assert [line.startswith("error: certificate-expiring: ") for line in others] == [
        True,
        True,
        False,
    ]
    assert others[-1] == (
        "tfcert: findings; 2 more errors than the page shows: they are in this log"
    )


def test_the_signs_of_the_agent_are_escaped():
    """Brackets, semicolons and percent signs are escaped and arrive unchanged."""
    odd = finding(message="100 %3B; x] %AZP25 y", location=Location("a;b]=%41.tf", 3), address=None)
    ((properties, message),), _ = issues(replace(judged(), findings=(odd,)))
    assert properties["sourcepath"] == "a;b]=%41.tf"
    assert message.startswith("100 %3B; x] %AZP25 y. To do: ")
