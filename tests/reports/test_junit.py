"""The JUnit XML format, validated by the published XSD and read by junitparser."""

from __future__ import annotations

from pathlib import Path

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped
from msgspec.structs import replace
from outcomes import ADDRESS, due, finding, judged, mixed, pair
from world import STAGE

from checker.model.policy import FailOn
from checker.reports import FORMATS

XSD = xmlschema.XMLSchema(Path(__file__).parent / "published/junit-10.xsd")


def suites(outcome) -> JUnitXml:
    """Return the report; check it by the XSD."""
    text = FORMATS["junit"].render(outcome)
    XSD.validate(text)
    return JUnitXml.fromstring(text.encode())


def results(outcome) -> dict[tuple[str, str], object]:
    """Return the result of each case by class and name; check that these are unique."""
    found = {}
    for suite in suites(outcome):
        for case in suite:
            assert (case.classname, case.name) not in found
            found[case.classname, case.name] = case.result[0] if case.result else None
    return found


def test_a_suite_a_source_and_a_case_a_finding(tmp_path):
    """A source is a suite and a finding a failed case with message, place and remedy.

    A stage without a finding passes.
    """
    report = suites(due(tmp_path))
    (suite,) = report
    assert (suite.name, suite.timestamp) == ("state.json", "2026-11-23T00:00:00Z")
    assert (report.tests, report.failures, report.errors, report.skipped) == (2, 1, 0, 0)
    found = results(due(tmp_path))
    failure = found[ADDRESS, "certificate-expiring"]
    assert isinstance(failure, Failure)
    assert "in 12 days" in failure.message
    assert "main.tf:1" in failure.text
    assert "what to do: run `tfcert patch`" in failure.text
    assert found[f"{STAGE}.prod", "no finding"] is None


def test_a_clean_run_is_no_empty_report():
    """In a clean run each certificate and stage is a passing case."""
    report = suites(judged(pair("orders", None, "old000", 300)))
    assert (report.tests, report.failures) == (2, 0)


def test_what_is_suppressed_is_skipped_what_is_not_verified_an_error(tmp_path):
    """A suppressed finding is skipped, an unverified one is an error, and one that does not fail
    the run passes.
    """
    found = results(mixed(tmp_path))
    assert isinstance(found[ADDRESS, "certificate-gone"], Skipped)
    assert (
        found[ADDRESS, "certificate-gone"].message
        == "suppressed until 2026-12-31: the backend is retired in December"
    )
    assert isinstance(found["the run as a whole", "certificate-unverified"], Error)
    assert found[f"{STAGE}.prod", "rotation-premature"] is None
    assert "certificate old000 ends" in FORMATS["junit"].render(mixed(tmp_path))


@pytest.mark.parametrize(
    ("fail_on", "failures"), [(FailOn.ERROR, 1), (FailOn.WARNING, 2), (FailOn.NEVER, 0)]
)
def test_a_failure_is_what_fails_the_gate(tmp_path, fail_on, failures):
    """`--fail-on` decides which findings are failures, as for the exit code."""
    outcome = mixed(tmp_path)
    policy = replace(outcome.cases.policy, fail_on=fail_on)
    outcome = replace(outcome, cases=replace(outcome.cases, policy=policy))
    assert suites(outcome).failures == failures
    assert (outcome.exit_code == 1) is bool(failures)


def test_two_findings_of_one_rule_about_one_thing_are_two_cases(tmp_path):
    """Two findings of one rule about one certificate are two cases with distinct names."""
    outcome = replace(
        due(tmp_path), findings=(finding(message="one thing"), finding(message="another"))
    )
    assert {name for subject, name in results(outcome) if subject == ADDRESS} == {
        "certificate-expiring",
        "certificate-expiring (2)",
    }
