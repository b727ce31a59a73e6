"""The SARIF format, checked by its schema, by GitHub's restrictions, and for tfplan2md."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from msgspec.structs import replace
from outcomes import ADDRESS, due, finding, judged, many, mixed, pair
from world import BASE, NOW, world

from checker.git import Checkout
from checker.model.location import Location
from checker.model.outcome import UNVERIFIED
from checker.reports import FORMATS
from checker.rules import RULES

SCHEMA = json.loads(
    (Path(__file__).parent / "published/sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
)


def run_of(outcome) -> dict:
    """Return the single run of the log; check it by the schema."""
    log = json.loads(FORMATS["sarif"].render(outcome))
    jsonschema.validate(
        log,
        SCHEMA,
        cls=jsonschema.Draft4Validator,
        format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
    )
    (run,) = log["runs"]
    return run


def resource_of(result: dict) -> list[str | None]:
    """Return the plan resource of a result for each logical location, as tfplan2md's
    `ResourceMapper` does.
    """
    found: list[str | None] = []
    for location in result["locations"]:
        for logical in location.get("logicalLocations", [{"fullyQualifiedName": None}]):
            tokens = (logical["fullyQualifiedName"] or "").split(".")
            start = 0
            while start + 1 < len(tokens) and tokens[start] == "module":
                start += 2
            is_resource = start + 1 < len(tokens) and "_" in tokens[start]
            found.append(".".join(tokens[: start + 2]) if is_resource else None)
    return found


def test_a_result_stands_in_the_tf_file_and_at_its_address(tmp_path):
    """A result has a relative URI below %SRCROOT%, its Terraform address, and its level."""
    run = run_of(replace(due(tmp_path), checkout=Checkout(root="/repo", folder="infra/live")))
    (result,) = run["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "infra/live/main.tf"
    assert location["physicalLocation"]["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    assert location["physicalLocation"]["region"] == {"startLine": 1}
    assert location["logicalLocations"] == [{"fullyQualifiedName": ADDRESS, "kind": "resource"}]
    assert (result["ruleId"], result["level"], result["suppressions"]) == (
        "certificate-expiring",
        "error",
        [],
    )
    assert "run `tfcert patch`" in result["message"]["text"]


def test_tfplan2md_finds_the_resource_once_and_the_severity(tmp_path):
    """tfplan2md maps each result to one resource and takes the severity from the level."""
    results = run_of(mixed(tmp_path))["results"]
    assert len(results) > 1
    for result in results:
        mapped = resource_of(result)
        assert len(mapped) == 1
        assert (mapped[0] is not None) == ("logicalLocations" in result["locations"][0])
        assert "rank" not in result
        assert "security-severity" not in result["properties"]
    keyed = run_of(judged(pair("orders", "a b", "old000", 3)))["results"][0]
    assert resource_of(keyed) == [f'{ADDRESS}["a b"]']


def test_github_refuses_none_of_it(tmp_path):
    """Each result has a physical location with a line and a valid relative path, as GitHub
    requires.
    """
    outcome = replace(
        mixed(tmp_path),
        findings=(
            finding(location=Location("../outside/main.tf", 3)),
            finding(location=Location("/elsewhere/of/this machine/a:b%20.tf", 3)),
            finding(location=Location("/repo/modules/x.tf", 3)),
            finding(source="state.json"),
            finding(source=None, address=None, certificate_id=None),
        ),
    )
    uris = []
    for result in run_of(outcome)["results"]:
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        uri = physical["artifactLocation"]["uri"]
        parts = urlsplit(uri)
        assert not parts.scheme
        assert uri
        assert not unquote(uri).startswith(("/", ".."))
        assert physical["region"]["startLine"] >= 1
        uris.append(uri)
    assert uris == [
        "outside/main.tf",
        "a%3Ab%2520.tf",
        "modules/x.tf",
        "infra/state.json",
        "infra/state.json",
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("s3://bucket/key/prod.tfstate", "bucket/key/prod.tfstate"),
        ("aws://123456789012/us-east-1", "123456789012/us-east-1"),
        ("-", "terraform.tfstate"),
        ("/tmp/somewhere/plan.json", "plan.json"),
        ("../plan.json", "plan.json"),
        ("plan.json", "plan.json"),
    ],
)
def test_a_document_is_shown_by_a_path_that_a_forge_takes(path, shown):
    """A source in a bucket, on stdin or elsewhere on the machine is shown by a relative path."""
    run = run_of(
        replace(
            judged(pair("orders", None, "old000", 3), path=path), checkout=Checkout(root="/repo")
        )
    )
    assert run["artifacts"][0]["location"]["uri"] == shown
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["index"] == 0


def known_as(outcome) -> list[str]:
    """Return GitHub's fingerprint of each result; check that it is as distinct as tfcert's own."""
    results = run_of(outcome)["results"]
    prints = [result["partialFingerprints"] for result in results]
    assert [entry["primaryLocationLineHash"].partition(":")[0] for entry in prints] == [
        entry["tfcertFinding/v1"][:16] for entry in prints
    ]
    return [entry["primaryLocationLineHash"] for entry in prints]


def test_fingerprints_outlive_days_lines_and_severity(tmp_path):
    """A fingerprint stays the same a week later and on another line."""
    home = world(tmp_path, {"main.tf": BASE})
    before = known_as(home.judge(offline=True))
    home.now = NOW + timedelta(days=7)
    (tmp_path / "main.tf").write_text("# a comment\n\n" + BASE)
    after = home.judge(offline=True)
    assert after.findings[0].days_left == 5
    assert after.findings[0].location == Location("main.tf", 3)
    assert known_as(after) == before


def test_fingerprints_tell_findings_apart(tmp_path):
    """Findings about other certificates, instances or messages have other fingerprints."""
    outcome = replace(
        due(tmp_path),
        findings=(
            finding(),
            finding(certificate_id="new000"),
            finding(address=f'{ADDRESS}["a"]'),
            finding(address=f'{ADDRESS}["b"]'),
            finding(rule=UNVERIFIED),
            finding(rule=UNVERIFIED, message="another thing about it"),
            finding(
                rule=UNVERIFIED, message="another thing about it", remedy="and another way out"
            ),
            finding(
                rule=UNVERIFIED,
                address=None,
                certificate_id=None,
                message="us-east-1 did not answer",
            ),
            finding(
                rule=UNVERIFIED,
                address=None,
                certificate_id=None,
                message="eu-west-1 did not answer",
            ),
        ),
    )
    assert len(set(known_as(outcome))) == 9
    crowd = known_as(many(300))
    assert len(set(crowd)) == len(crowd) > 100


@pytest.mark.parametrize(
    ("message", "later"),
    [
        ("us-east-1 did not answer, 59 of 60 there", "us-east-1 did not answer, 60 of 60 there"),
        (
            "account 111111111111 holds 9, since 2026-11-24",
            "account 111111111111 holds 10, since 2026-11-25",
        ),
    ],
)
def test_what_is_about_a_place_is_known_by_the_place(tmp_path, message, later):
    """A finding about a place is identified by region or account, not by numbers and dates in its
    text.
    """
    other = message.replace("us-east-1", "us-east-2").replace("111111111111", "222222222222")
    said = [
        finding(rule=UNVERIFIED, address=None, certificate_id=None, message=text)
        for text in (message, other)
    ]
    first = dict(
        zip(("one", "other"), known_as(replace(due(tmp_path), findings=tuple(said))), strict=True)
    )
    said[0] = replace(said[0], message=later)
    then = dict(
        zip(
            ("other", "one"),
            known_as(replace(due(tmp_path), findings=tuple(reversed(said)))),
            strict=True,
        )
    )
    assert then == first
    assert first["one"] != first["other"]


def test_a_finding_more_leaves_the_others_as_they_were(tmp_path):
    """One more finding does not change the fingerprints of the others."""
    outcome = due(tmp_path)
    more = replace(outcome, findings=(*outcome.findings, finding(address=f'{ADDRESS}["z"]')))
    assert known_as(more)[:1] == known_as(outcome)


def test_two_workspaces_have_alerts_of_their_own(tmp_path):
    """The same finding in two workspaces has two fingerprints."""
    outcome = due(tmp_path)
    (part,) = outcome.cases.documents
    other = replace(
        part,
        document=replace(part.document, source=replace(part.document.source, path="other.json")),
    )
    both = replace(
        outcome,
        cases=replace(outcome.cases, documents=(part, other)),
        findings=(*outcome.findings, replace(outcome.findings[0], source="other.json")),
    )
    assert len(set(known_as(both))) == 2


def test_rules_carry_their_pages(tmp_path):
    """Each rule has its level, descriptions and help page, and results refer to rules by index."""
    run = run_of(mixed(tmp_path))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.name for rule in RULES]
    for rule in rules:
        assert "## How to fix" in rule["help"]["markdown"]
        assert "How to fix" in rule["help"]["text"]
        assert "#" not in rule["help"]["text"].splitlines()[0]
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
        assert "helpUri" not in rule
    assert run["results"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_what_is_suppressed_stays_and_says_why(tmp_path):
    """A suppressed result has its kind, reason, owner, date and location."""
    results = {result["ruleId"]: result for result in run_of(mixed(tmp_path))["results"]}
    (external,) = results["certificate-gone"]["suppressions"]
    (inside,) = results["stage-detached"]["suppressions"]
    assert (external["kind"], inside["kind"]) == ("external", "inSource")
    assert external["status"] == inside["status"] == "accepted"
    assert (
        external["justification"]
        == "the backend is retired in December (platform), until 2026-12-31"
    )
    assert inside["location"]["physicalLocation"]["artifactLocation"]["uri"] == "infra/main.tf"
    assert inside["location"]["physicalLocation"]["region"]["startLine"] == 7


def test_i4_what_was_not_verified_makes_the_run_unsuccessful(tmp_path):
    """I4: an unverified run is not successful, with a notification."""
    quiet = run_of(judged(pair("orders", None, "old000", 300)))["invocations"][0]
    assert (
        quiet["executionSuccessful"],
        quiet["exitCode"],
        quiet["toolExecutionNotifications"],
    ) == (True, 0, [])
    assert run_of(due(tmp_path))["invocations"][0]["exitCode"] == 1
    outcome = replace(
        due(tmp_path), findings=(finding(rule=UNVERIFIED, message="us-east-1 did not answer"),)
    )
    told = run_of(outcome)["invocations"][0]
    assert (told["executionSuccessful"], told["exitCode"]) == (False, 3)
    (notification,) = told["toolExecutionNotifications"]
    assert notification["level"] == "error"
    assert notification["associatedRule"]["id"] == UNVERIFIED
    assert "us-east-1 did not answer" in notification["message"]["text"]


def test_the_documents_are_artifacts(tmp_path):
    """Sources and the files of results are listed as artifacts."""
    listed = run_of(mixed(tmp_path))["artifacts"]
    assert [(entry["location"]["uri"], entry["roles"]) for entry in listed] == [
        ("infra/state.json", ["analysisTarget", "resultFile"]),
        ("infra/main.tf", ["resultFile"]),
        ("infra/tfcert.toml", ["resultFile"]),
    ]
