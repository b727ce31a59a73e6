"""Tests of certificate-unused: a certificate that no stage presents, where AWS listed all
stages.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, findings, lineage, making, moving, said, stage
from msgspec.structs import replace
from world import HOME, NOW

from checker.model.observation import Found, Gone, ObservedStage, Unanswered
from checker.model.plan import Action, Plan
from checker.model.policy import Policy
from checker.model.resources import PresentsPlanned, StageKind

RULE = "certificate-unused"


def shown(identity):
    return ObservedStage(kind=StageKind.REST, api_id="api9", name="live", certificate_id=identity)


def left_over(left=200, **rest):
    """Return cases of certificate `old`, which no recorded stage presents, with this many days
    left.
    """
    declared = rest.pop("declared", None)
    plan = rest.pop("plan", None)
    return cases_of(
        document([certificate("old", left)], [stage("prod", None)], plan, declared),
        **{"survey": [shown("new")], **rest},
    )


def test_what_no_stage_of_its_place_presents_is_a_note():
    """A certificate that no stage of its account and region presents is a note with its
    end date.
    """
    (finding,) = findings(left_over(), RULE)
    assert finding.severity.word == "note"
    assert finding.certificate_id == "old"
    assert finding.message == (
        "certificate old, which ends on 2027-06-11, is presented by no stage of account "
        "123456789012, region us-east-1, in Terraform or not"
    )
    assert finding.remedy == "remove it from the configuration in a separate apply"


def test_it_makes_no_exit_code():
    """certificate-unused is a note and has no effect on the exit code."""
    assert said(left_over()) == {RULE: "note"}


@pytest.mark.parametrize(
    "survey",
    [None, Unanswered(reason="r", remedy="m"), [shown("new"), shown("old")]],
    ids=["nobody looked", "not every stage was listed", "a stage outside Terraform presents it"],
)
def test_i4_it_is_never_called_unused_where_not_every_stage_was_seen(survey):
    """I4: there is no finding if not all stages were listed, or if a stage outside Terraform
    presents it.
    """
    assert RULE not in said(left_over(survey=survey))


def test_i4_the_stages_of_another_account_or_region_say_nothing():
    """I4: stages of another account or region prove nothing; the certificate's own must
    be listed.
    """
    cases = left_over()
    for other in (
        replace(HOME, account="222222222222"),
        replace(HOME, region="eu-west-1"),
        replace(HOME, account=None),
    ):
        moved = {other: cases.observations.surveys[HOME]}
        assert RULE not in said(
            replace(cases, observations=replace(cases.observations, surveys=moved))
        )


@pytest.mark.parametrize(
    ("left", "found"),
    [(365, False), (306, False), (305, True), (-3, True)],
    ids=["new", "59 days", "60 days", "ended"],
)
def test_what_is_younger_than_the_notice_may_be_a_successor_that_nobody_declared(left, found):
    """A certificate younger than the notice is not called unused: it may be an undeclared
    successor.
    """
    assert (RULE in said(left_over(left))) is found


def test_its_age_is_what_aws_says():
    """The age comes from the creation date in AWS if there is one, else from the end date."""
    ends = NOW + timedelta(days=200)
    young = left_over(answers={"old": Found(expires_at=ends, created_at=NOW - timedelta(days=5))})
    old = left_over(answers={"old": Found(expires_at=ends, created_at=NOW - timedelta(days=70))})
    assert [RULE in said(cases) for cases in (young, old)] == [False, True]
    assert RULE not in said(left_over(60, policy=Policy(notice_days=320, threshold_days=30)))


def test_a_declared_successor_between_introduce_and_repoint_is_not_unused_however_old():
    """A declared successor is not unused while its predecessor is in use, whatever its age."""
    both = [certificate("old", 20), certificate("new", 250)]
    cases = cases_of(
        document(both, [stage("prod", "old")], declared=lineage(old=None, new="old")),
        survey=[shown("old")],
    )
    assert RULE not in said(cases)


def test_a_predecessor_whose_retire_was_forgotten_is_unused_however_young():
    """A predecessor whose stages have all moved is unused at any age, and the remedy is the retire
    phase.
    """
    both = [certificate("old", 350), certificate("new", 364)]
    cases = cases_of(
        document(both, [stage("prod", "new")], declared=lineage(old=None, new="old")),
        survey=[shown("new")],
    )
    (finding,) = findings(cases, RULE)
    assert finding.certificate_id == "old"
    assert finding.remedy == "`tfcert patch` writes the retire phase"
    assert finding.location is not None


@pytest.mark.parametrize("answer", [Gone(), Unanswered(reason="r", remedy="m")])
def test_what_aws_does_not_have_or_did_not_say_is_not_called_unused(answer):
    """A certificate that AWS does not have, or did not answer about, is not called unused."""
    assert RULE not in said(left_over(answers={"old": answer}))


def test_what_a_plan_destroys_is_on_its_way_out():
    """A certificate that the plan destroys is not called unused."""
    assert RULE not in said(left_over(plan=Plan(certificates=(making("old", Action.DELETE),))))


@pytest.mark.parametrize("after", ["old", PresentsPlanned(()), PresentsPlanned((), elsewhere=True)])
def test_what_a_plan_lets_a_stage_present_or_may_let_is_not_unused(after):
    """A certificate that a stage presents, or may present, after the plan is not called unused."""
    assert RULE not in said(left_over(plan=Plan(stages=(moving("prod", None, after),))))


def test_what_no_terraform_manages_is_deleted_by_a_command():
    """The remedy for a certificate outside Terraform is the AWS command with its id and region."""
    cases = left_over()
    (part,) = cases.documents
    (case,) = part.cases
    subject = replace(case.subject, certificate=replace(case.certificate, address=None))
    stray = replace(cases, documents=(replace(part, cases=(replace(case, subject=subject),)),))
    (finding,) = findings(stray, RULE)
    assert (
        finding.remedy
        == "delete it: `aws apigateway delete-client-certificate --client-certificate-id old --region us-east-1`"
    )


def test_a_plan_that_forgets_another_certificate_forgets_this_one_not():
    """The remedy is that of a certificate which stays in Terraform."""
    for plan, words in (
        (Plan(certificates=(making("other", Action.FORGET),)), "remove it from the configuration"),
        (Plan(certificates=(making("old", Action.UPDATE),)), "remove it from the configuration"),
        (Plan(certificates=(making("old", Action.FORGET),)), "once it is out of the state"),
    ):
        (finding,) = findings(left_over(plan=plan), RULE)
        assert words in finding.remedy
