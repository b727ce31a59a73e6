"""Tests of certificate-not-renewing, and of other rules and the planner with ACM certificates."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, findings, lineage, moving, said, stage
from msgspec.structs import replace
from world import NOW

from checker.model.observation import (
    AcmDoesNotRenew,
    AcmRenews,
    Found,
    Gone,
    Observation,
    Unanswered,
)
from checker.model.plan import Plan
from checker.model.rotation import Blocked, Waiting
from checker.rotation.planner import plan_rotations

RULE = "certificate-not-renewing"
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"
IMPORTED = AcmDoesNotRenew("it was imported", "re-import it")


def acm(
    answer: Observation | AcmDoesNotRenew | AcmRenews | None,
    left: float = 12,
    plan: Plan | None = None,
):
    """Return cases of a stage with an ACM certificate that is not in this state."""
    if isinstance(answer, AcmDoesNotRenew | AcmRenews):
        answer = Found(expires_at=NOW + timedelta(days=left), renewal=answer)
    known = [] if plan is None else [certificate("good", 340)]
    answers = {ARN: answer} if answer is not None else {}
    return cases_of(document(known, [stage("prod", ARN)], plan=plan), answers=answers)


@pytest.mark.parametrize(
    ("left", "weight"),
    [(61, None), (60, "warning"), (31, "warning"), (30, "error"), (0, "error"), (-1, None)],
)
def test_an_error_at_the_threshold_and_a_warning_within_the_notice(left, weight):
    """It is an error at the threshold and a warning within the notice; after the end only
    certificate-expired reports.
    """
    assert said(acm(IMPORTED, left)).get(RULE) == weight


def test_what_acm_renews_is_no_finding_of_it_and_never_fails_a_gate():
    """A certificate that ACM renews has no such finding, and certificate-expiring is a note or a
    warning.
    """
    assert said(acm(AcmRenews(), 45)) == {"certificate-expiring": "note"}
    assert said(acm(AcmRenews(), 12)) == {"certificate-expiring": "warning"}
    assert "nothing to do" in findings(acm(AcmRenews(), 12))[0].remedy
    assert said(acm(AcmRenews(), -1)) == {"certificate-expired": "error"}


def test_the_remedy_of_what_was_imported_is_to_import_it_again():
    """The remedy for an imported certificate is to import it again, not a patch."""
    cases = acm(IMPORTED)
    assert said(cases) == {"certificate-expiring": "error", RULE: "error"}
    for finding in findings(cases):
        assert "re-import it" in finding.remedy
        assert "tfcert patch" not in finding.remedy


@pytest.mark.parametrize("answer", [IMPORTED, Gone()])
def test_the_plan_that_moves_the_stage_to_one_that_lasts_is_not_failed(answer):
    """A plan that moves the stage to a longer-lasting certificate has no error."""
    plan = Plan(stages=(moving("prod", ARN, "good"),))
    assert "error" not in said(acm(answer, plan=plan)).values()


def test_what_acm_does_not_know_is_gone_without_a_word_of_patches():
    """A certificate that ACM does not have is certificate-gone, and the remedy offers no patch."""
    (finding,) = findings(acm(Gone()))
    assert finding.rule == "certificate-gone"
    assert "run `tfcert patch`" not in finding.remedy


def test_where_acm_was_not_asked_nothing_is_said_of_renewal():
    """Without an answer from ACM only certificate-unverified reports (I4)."""
    assert set(said(acm(Unanswered(reason="denied", remedy="allow it")))) == {
        "certificate-unverified"
    }


def test_a_client_certificate_of_api_gateway_has_nothing_to_do_with_it():
    """The rule ignores client certificates of API Gateway, which are never renewed."""
    assert RULE not in said(cases_of(document()))


@pytest.mark.parametrize(
    ("answer", "left", "step", "words"),
    [
        (IMPORTED, 12, Blocked, "it was imported"),
        (AcmRenews(), 12, Waiting, "renews it by itself"),
        (Gone(), 12, Blocked, "certificate of ACM"),
    ],
)
@pytest.mark.parametrize("declared", [None, lineage()])
def test_the_planner_leaves_it_alone_and_says_why(answer, left, step, words, declared):
    """The planner lists an ACM certificate once, without a successor, with the reason why it writes
    nothing.
    """
    answered = (
        Found(expires_at=NOW + timedelta(days=left), renewal=answer)
        if not isinstance(answer, Gone)
        else answer
    )
    cases = cases_of(document([], [stage("prod", ARN)], declared=declared), answers={ARN: answered})

    (rotation,) = plan_rotations(cases)

    assert isinstance(rotation.step, step)
    assert words in rotation.step.reason
    assert rotation.successor is None
    assert rotation.label == ARN


def test_what_is_not_due_is_not_mentioned_by_the_planner():
    """The planner skips an ACM certificate that is not due, unless asked for all."""
    cases = acm(IMPORTED, 300)
    assert plan_rotations(cases) == ()
    assert len(plan_rotations(cases, even_if_not_due=True)) == 1


@pytest.mark.parametrize(("later", "kept"), [(0, "f" * 64), (300, None)])
def test_what_acm_renewed_has_not_the_fingerprint_that_state_remembers(later, kept):
    """After a renewal by ACM the recorded fingerprint is dropped, because the certificate is a new
    one.
    """
    recorded = replace(certificate("x", 12), id=ARN, kind="acm", fingerprint="f" * 64)
    answer = Found(expires_at=recorded.expires_at + timedelta(days=later), renewal=AcmRenews())
    (case,) = cases_of(document([recorded], [stage("prod", ARN)]), answers={ARN: answer}).all
    assert case.fingerprint == kept
