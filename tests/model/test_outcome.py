"""The verdict and the exit code of a run, for every combination of findings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest

from checker.model.cases import Cases
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.observation import Observations
from checker.model.outcome import UNVERIFIED, Outcome, Verdict
from checker.model.policy import Policy
from checker.model.severity import FailOn, Severity

NOW = datetime(2026, 11, 23, tzinfo=UTC)
EXEMPT = Suppression(kind=SuppressedBy.POLICY, reason="accepted", until=date(2027, 1, 1))


def finding(severity=Severity.ERROR, rule="certificate-expiring", **more):
    return Finding(rule=rule, severity=severity, message="m", remedy="r", **more)


def outcome(*findings, fail_on=FailOn.ERROR):
    cases = Cases(
        as_of=NOW,
        policy=Policy(fail_on=fail_on),
        documents=(),
        observations=Observations(asked=True),
    )
    return Outcome(cases=cases, findings=findings, rotations=())


ERROR, WARNING, NOTE = map(finding, Severity)
EXEMPTED = finding(suppression=EXEMPT)
OPEN = finding(Severity.WARNING, UNVERIFIED)
OPEN_ERROR = finding(Severity.ERROR, UNVERIFIED)
OPEN_EXEMPTED = finding(Severity.WARNING, UNVERIFIED, suppression=EXEMPT)


@pytest.mark.parametrize(
    ("fail_on", "findings", "verdict", "code"),
    [
        (FailOn.ERROR, (), Verdict.CLEAN, 0),
        (FailOn.ERROR, (ERROR,), Verdict.FINDINGS, 1),
        (FailOn.ERROR, (WARNING,), Verdict.CLEAN, 0),
        (FailOn.ERROR, (NOTE,), Verdict.CLEAN, 0),
        (FailOn.ERROR, (EXEMPTED,), Verdict.CLEAN, 0),
        (FailOn.ERROR, (EXEMPTED, ERROR), Verdict.FINDINGS, 1),
        (FailOn.ERROR, (OPEN,), Verdict.INCONCLUSIVE, 3),
        (FailOn.ERROR, (OPEN_ERROR,), Verdict.INCONCLUSIVE, 3),
        (FailOn.ERROR, (OPEN_EXEMPTED,), Verdict.INCONCLUSIVE, 3),
        (FailOn.ERROR, (ERROR, OPEN), Verdict.FINDINGS, 1),
        (FailOn.ERROR, (WARNING, OPEN), Verdict.INCONCLUSIVE, 3),
        (FailOn.WARNING, (WARNING,), Verdict.FINDINGS, 1),
        (FailOn.WARNING, (NOTE,), Verdict.CLEAN, 0),
        (FailOn.WARNING, (OPEN,), Verdict.INCONCLUSIVE, 3),
        (FailOn.NEVER, (), Verdict.CLEAN, 0),
        (FailOn.NEVER, (WARNING,), Verdict.CLEAN, 0),
        (FailOn.NEVER, (ERROR,), Verdict.FINDINGS, 0),
        (FailOn.NEVER, (OPEN,), Verdict.INCONCLUSIVE, 3),
        (FailOn.NEVER, (ERROR, OPEN), Verdict.FINDINGS, 3),
        (FailOn.NEVER, (ERROR, OPEN_EXEMPTED), Verdict.FINDINGS, 3),
    ],
)
def test_the_verdict_and_the_exit_code(fail_on, findings, verdict, code):
    """`--fail-on never` ignores errors, and something unverified still gives exit code 3."""
    found = outcome(*findings, fail_on=fail_on)
    assert (found.verdict, found.exit_code) == (verdict, code)


@pytest.mark.parametrize(
    ("policy", "own", "severity", "code"),
    [
        (FailOn.ERROR, FailOn.WARNING, Severity.WARNING, 1),
        (FailOn.WARNING, FailOn.ERROR, Severity.WARNING, 0),
        (FailOn.ERROR, FailOn.NEVER, Severity.ERROR, 0),
        (FailOn.NEVER, FailOn.ERROR, Severity.ERROR, 1),
    ],
)
def test_the_scope_of_a_finding_wins_over_the_policy(policy, own, severity, code):
    """The `fail_on` of a finding's scope overrides the policy's."""
    found = outcome(finding(severity, fail_on=own), fail_on=policy)
    assert found.exit_code == code
    assert found.fails(found.findings[0]) is (code == 1)


ALL = (ERROR, WARNING, NOTE, EXEMPTED, OPEN, OPEN_EXEMPTED)
SUBSETS = [some for size in range(len(ALL) + 1) for some in combinations(ALL, size)]


@pytest.mark.parametrize("fail_on", FailOn)
@pytest.mark.parametrize("findings", SUBSETS, ids=len)
def test_i4_an_unknown_is_never_clean(findings, fail_on):
    """I4: a run with something unverified is never clean: its exit code is 1 or 3."""
    found = outcome(*findings, fail_on=fail_on)
    unverified = any(each.rule == UNVERIFIED for each in findings)
    assert found.unverified is unverified
    if unverified:
        assert found.verdict is not Verdict.CLEAN
        assert found.exit_code in {1, 3}
    assert (found.exit_code == 1) is any(map(found.fails, findings))


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ([], None),
        ([(None, None)], None),
        ([(1, None), (3, None), (2, None)], 3),
        ([(1, None), (3, EXEMPT)], 1),
        ([(3, EXEMPT)], None),
    ],
)
def test_a_plan_waits_for_the_latest_of_its_findings(waits, expected):
    """A plan must wait for the latest date of its findings; an exempted finding does not count."""
    found = outcome(
        *(
            finding(
                not_before=NOW + timedelta(days=days) if days is not None else None,
                suppression=suppression,
            )
            for days, suppression in waits
        )
    )
    assert found.not_before == (NOW + timedelta(days=expected) if expected is not None else None)
