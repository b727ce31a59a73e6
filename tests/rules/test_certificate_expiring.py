"""Tests of certificate-expiring: its boundaries, and plans that fix the finding."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, findings, lineage, making, moving, said, stage

from checker.model.plan import Action, Plan
from checker.model.policy import Policy

RULE = "certificate-expiring"
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "weight"),
    [
        (timedelta(days=61), None),
        (timedelta(days=61) - SECOND, "warning"),
        (timedelta(days=60), "warning"),
        (timedelta(days=31), "warning"),
        (timedelta(days=31) - SECOND, "error"),
        (timedelta(days=30), "error"),
        (timedelta(days=1), "error"),
        (timedelta(0), "error"),
        (-SECOND, None),
    ],
)
def test_exactly_the_threshold_and_exactly_the_notice_are_findings(left, weight):
    """At exactly the threshold it is an error, and at exactly the notice a warning; days are
    rounded down.
    """
    cases = cases_of(document([certificate("old", left)]))
    assert said(cases).get(RULE) == weight
    if weight:
        assert findings(cases, RULE)[0].days_left == left // timedelta(days=1)


def test_the_days_are_those_of_the_policy():
    """The policy sets the threshold and the notice."""
    policy = Policy(threshold_days=5, notice_days=11)
    assert said(cases_of(document(), policy=policy)).get(RULE) is None
    assert (
        said(cases_of(document(), policy=Policy(threshold_days=5, notice_days=12)))[RULE]
        == "warning"
    )


def test_what_nobody_presents_is_no_finding():
    """A certificate that no stage presents is no finding."""
    assert RULE not in said(cases_of(document(stages=[])))


def test_what_a_plan_will_present_is_a_finding():
    """A stage that a plan moves to an expiring certificate is an error before the apply."""
    plan = Plan(stages=(moving("prod", None, "old"),))
    assert said(cases_of(document(stages=[stage("prod", None)], plan=plan)))[RULE] == "error"


@pytest.mark.parametrize(
    ("declared", "made", "weight"),
    [
        (lineage(old=None, new="old"), ("new",), "warning"),
        (lineage(old=None, other=None), ("other",), "error"),
        (lineage(old=None, new="other"), ("new",), "error"),
        (lineage(old=None, new="old"), (), "error"),
        (None, ("new",), "warning"),
        (None, (), "error"),
    ],
)
def test_a_plan_that_introduces_the_successor_is_not_failed_for_what_it_cures(
    declared, made, weight
):
    """A plan that introduces the successor lowers the error to a warning.

    It is recognized by lineage, or without a configuration by a plan that only creates
    certificates.
    """
    plan = Plan(certificates=tuple(making(name) for name in made))
    assert said(cases_of(document(plan=plan, declared=declared)))[RULE] == weight


@pytest.mark.parametrize(
    "more",
    [
        Plan(certificates=(making("new"),), stages=(moving("other", "x", "y"),)),
        Plan(certificates=(making("new"), making("x", Action.DELETE))),
        Plan(certificates=(making("new", Action.REPLACE),)),
    ],
    ids=["moves a stage", "deletes another", "replaces"],
)
def test_without_the_configuration_a_plan_that_does_more_is_no_cure(more):
    """Without the configuration, a plan that also moves a stage or deletes a certificate keeps the
    error.
    """
    assert said(cases_of(document(plan=more)))[RULE] == "error"


def test_without_the_configuration_one_new_certificate_cures_one():
    """Without the configuration, a plan must create one certificate per expiring certificate."""
    both = [certificate("a"), certificate("b")]
    stages = [stage("a", "a"), stage("b", "b")]
    one = Plan(certificates=(making("new"),))
    two = Plan(certificates=(making("new"), making("newer")))
    assert said(cases_of(document(both, stages, one)))[RULE] == "error"
    assert said(cases_of(document(both, stages, two)))[RULE] == "warning"


@pytest.mark.parametrize(
    ("left", "weight"),
    [(350, "warning"), (31, "warning"), (30, "error"), (12, "error"), (5, "error")],
)
def test_a_plan_that_moves_the_stage_to_one_that_lasts_is_a_cure(left, weight):
    """A plan that moves the stage lowers the error if the new certificate ends later and beyond the
    threshold.
    """
    plan = Plan(stages=(moving("prod", "old", "new"),))
    made = [certificate("old"), certificate("new", left)]
    weights = {
        finding.certificate_id: finding.severity.word
        for finding in findings(cases_of(document(made, plan=plan)), RULE)
    }
    assert weights["old"] == weight


@pytest.mark.parametrize(
    ("new", "declared", "weight"),
    [
        (certificate("new", 350), lineage(old=None, new="old"), "warning"),
        (certificate("new", 350), lineage(old=None, new=None), "error"),
        (certificate("new", 350), None, "error"),
        (certificate("new", 12), lineage(old=None, new="old"), "error"),
    ],
)
def test_while_the_successor_is_in_state_it_is_a_warning(new, declared, weight):
    """A successor in state lowers the error if the configuration names it and it ends later."""
    cases = cases_of(document([certificate("old"), new], declared=declared))
    assert findings(cases, RULE)[0].severity.word == weight
    if weight == "warning":
        assert "repoint the stages by 2026-11-28" in findings(cases, RULE)[0].remedy
        assert str(findings(cases, RULE)[0].location) == "main.tf:10"


@pytest.mark.parametrize(
    ("left", "rule"), [(12, "certificate-expiring"), (-3, "certificate-expired")]
)
def test_a_plan_that_destroys_the_stages_too_is_not_failed(left, rule):
    """A plan that destroys all stages of the certificate lowers the error; a stage that stays keeps
    it.
    """
    gone = Plan(
        certificates=(making("old", Action.DELETE),),
        stages=(moving("prod", "old", None, Action.DELETE),),
    )
    known = [certificate("old", left)]
    (finding,) = findings(cases_of(document(known, plan=gone)), rule)
    assert finding.severity.word == "warning"
    assert "this plan destroys the stages that present it" in finding.remedy
    both = [stage("prod", "old"), stage("test", "old")]
    (finding,) = findings(cases_of(document(known, both, plan=gone)), rule)
    assert finding.severity.word == "error"
