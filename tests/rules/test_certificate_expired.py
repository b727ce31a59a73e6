"""Tests of certificate-expired and certificate-gone: a stage presents an unusable certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, findings, lineage, making, moving, said, stage
from msgspec.structs import replace

from checker.model.observation import Found, Gone
from checker.model.plan import Plan


@pytest.mark.parametrize(
    ("left", "expired"),
    [(timedelta(seconds=-1), True), (timedelta(0), False), (timedelta(seconds=1), False)],
)
def test_one_second_behind_its_end_it_has_expired(left, expired):
    """One second after its end a certificate is expired, with -1 days left."""
    cases = cases_of(document([certificate("old", left)]))
    assert ("certificate-expired" in said(cases)) == expired
    assert ("certificate-expiring" in said(cases)) != expired
    if expired:
        assert findings(cases)[0].days_left == -1


def test_aws_is_believed_over_state():
    """The end date from AWS overrides the recorded one, in both directions."""
    ended = Found(expires_at=certificate("x", -1).expires_at)
    lives = Found(expires_at=certificate("x", 300).expires_at)
    assert said(cases_of(document([certificate("old", 300)]), answers={"old": ended})) == {
        "certificate-expired": "error",
        "certificate-drifted": "warning",
    }
    assert said(cases_of(document([certificate("old", -1)]), answers={"old": lives})) == {
        "certificate-drifted": "warning"
    }


@pytest.mark.parametrize(("left", "rule"), [(-5, "certificate-expired"), (300, "certificate-gone")])
@pytest.mark.parametrize(
    ("plan", "declared", "weight"),
    [
        (None, None, "error"),
        (Plan(), None, "error"),
        (Plan(certificates=(making("new"),)), lineage(old=None, new="old"), "warning"),
        (Plan(stages=(moving("prod", "old", "good"),)), None, "warning"),
        (Plan(stages=(moving("prod", "old", "bad"),)), None, "error"),
    ],
    ids=[
        "no plan",
        "does nothing",
        "introduces",
        "moves to one that lasts",
        "moves to one that ended",
    ],
)
def test_the_plan_that_cures_it_is_not_failed_for_it(left, rule, plan, declared, weight):
    """A plan that replaces the expired or deleted certificate lowers its error to a warning."""
    known = [certificate("old", left), certificate("good", 340), certificate("bad", -400)]
    answers = {"old": Gone()} if rule == "certificate-gone" else None
    cases = cases_of(document(known, plan=plan, declared=declared), answers=answers)
    weights = {
        finding.severity.word
        for finding in findings(cases, rule)
        if finding.certificate_id == "old"
    }
    assert weights == {weight}


def test_an_id_that_only_a_stage_names_is_asked_for_too():
    """An id that only a stage names, and that AWS does not have, is certificate-gone."""
    cases = cases_of(document([], [stage("prod", "ghost1")]), answers={"ghost1": Gone()})
    (finding,) = findings(cases)
    assert (finding.rule, finding.address, finding.certificate_id) == (
        "certificate-gone",
        "aws_api_gateway_stage.prod",
        "ghost1",
    )


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("state", "where Terraform makes another one"),
        ("aws", "run `tfcert patch` where its state is"),
    ],
)
def test_the_remedy_fits_where_the_certificate_was_found(kind, remedy):
    """The remedy for a state names Terraform; the remedy for a scan says to run `tfcert patch`
    where the state is.
    """
    found = document([], [stage("prod", "ghost1")])
    found = replace(found, source=replace(found.source, kind=kind))
    (finding,) = findings(cases_of(found, answers={"ghost1": Gone()}))
    assert finding.remedy.startswith(remedy)


def test_what_is_gone_and_presented_by_nobody_is_no_finding():
    """A deleted certificate that no stage presents is no finding."""
    assert said(cases_of(document(stages=[]), answers={"old": Gone()})) == {}
