"""I1: tests of rotation-unstaged, rotation-destroys-in-use, stage-detached and rotation-overdue."""

from __future__ import annotations

import pytest
from builders import (
    backend,
    cases_of,
    certificate,
    certificate_at,
    document,
    findings,
    known,
    lineage,
    making,
    moving,
    said,
    stage,
    stage_at,
)
from msgspec.structs import replace
from world import CERTIFICATE, NOW

from checker.model.observation import ObservedStage, Unanswered
from checker.model.plan import Action, CertificateChange, Plan
from checker.model.policy import Policy, WindowWaiver
from checker.model.resources import PresentsPlanned, StageKind
from checker.model.severity import Severity

UNSTAGED, DESTROYS, DETACHED, OVERDUE = (
    "rotation-unstaged",
    "rotation-destroys-in-use",
    "stage-detached",
    "rotation-overdue",
)
NEW = PresentsPlanned((certificate_at("new"),))
SELF = PresentsPlanned((certificate_at("old"),))
FINE = [certificate("old", 300), certificate("new", 350)]


def rules(plan: Plan, stages=None, certificates=None, **more) -> set[str]:
    return {
        rule
        for rule in said(cases_of(document(certificates or FINE, stages, plan), **more))
        if "expir" not in rule
    }


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(certificates=(making("new"),), stages=(moving("prod", "old", NEW),)), {UNSTAGED}),
        (
            Plan(
                certificates=(making("old", Action.REPLACE),), stages=(moving("prod", "old", SELF),)
            ),
            {UNSTAGED, DESTROYS},
        ),
        (
            Plan(
                certificates=(making("old", Action.REPLACE_CREATE_FIRST),),
                stages=(moving("prod", "old", SELF),),
            ),
            {UNSTAGED, DESTROYS},
        ),
        (
            Plan(
                certificates=(making("old", Action.DELETE),), stages=(moving("prod", "old", "new"),)
            ),
            {DESTROYS},
        ),
        (
            Plan(
                certificates=(making("new"), making("old", Action.DELETE)),
                stages=(moving("prod", "old", NEW),),
            ),
            {UNSTAGED, DESTROYS},
        ),
        (
            Plan(
                certificates=(making("old", Action.DELETE),), stages=(moving("prod", "old", None),)
            ),
            {DETACHED, DESTROYS},
        ),
        (Plan(stages=(moving("prod", "old", None),)), {DETACHED}),
        (
            Plan(
                stages=(moving("prod", "old", NEW, Action.REPLACE),), certificates=(making("new"),)
            ),
            {UNSTAGED},
        ),
        (Plan(stages=(moving("prod", "old", None, Action.REPLACE),)), {DETACHED}),
        (Plan(certificates=(making("new"),)), set()),
        (Plan(stages=(moving("prod", "old", "new"),)), set()),
        (Plan(certificates=(making("new", Action.DELETE),)), set()),
        (Plan(certificates=(making("old", Action.FORGET),)), set()),
        (Plan(stages=(moving("prod", "old", None, Action.DELETE),)), set()),
        (Plan(stages=(moving("prod", "old", "old", Action.NO_OP),)), set()),
    ],
    ids=[
        "introduce and repoint in one",
        "replace",
        "replace, create first",
        "repoint and retire in one",
        "all three in one",
        "certificate and attribute removed",
        "attribute removed",
        "stage replaced onto a new certificate",
        "stage replaced without its certificate",
        "introduce",
        "repoint",
        "retire",
        "forget",
        "stage destroyed",
        "nothing",
    ],
)
def test_i1_a_plan_that_merges_phases_is_a_finding_and_one_phase_is_none(plan, expected):
    """I1: a plan that merges phases has the expected findings, and a plan of one phase has none."""
    assert rules(plan) == expected


def test_a_stage_made_together_with_its_certificate_is_no_rotation():
    """A stage that is created with its certificate is no rotation, because no backend trusted
    another one.
    """
    plan = Plan(certificates=(making("new"),), stages=(moving("prod", None, NEW, Action.CREATE),))
    assert rules(plan, stages=[], certificates=[certificate("x", 300)]) == set()


def test_attaching_where_there_was_none_is_no_rotation():
    """Attaching a certificate to a stage without one is no rotation."""
    plan = Plan(certificates=(making("new"),), stages=(moving("prod", None, NEW),))
    assert rules(plan, stages=[stage("prod", None)]) == set()


def test_i1_a_block_removed_and_the_successor_renamed_to_it_destroys_the_one_in_use():
    """I1: removing the block and renaming the successor to it destroys the certificate in use."""
    gone = CertificateChange(
        address=certificate_at("old"),
        action=Action.DELETE,
        before=certificate("new", 350),
        after=None,
        previous_address=certificate_at("new"),
        deposed="a1b2c3d4",
    )
    plan = Plan(certificates=(gone,), stages=(moving("prod", "new", "old"),))
    assert DESTROYS in rules(plan, stages=[stage("prod", "new")])


def outside(api: str, name: str, identity: str = "old") -> ObservedStage:
    return ObservedStage(kind=StageKind.REST, api_id=api, name=name, certificate_id=identity)


@pytest.mark.parametrize(
    ("survey", "plan_stages", "stages", "expected"),
    [
        ([], (), [], set()),
        ([outside("api9", "hidden")], (), [], {DESTROYS}),
        ([outside("api9", "hidden", "other")], (), [], set()),
        ([outside("api1", "prod")], (), [stage("prod", "new")], {DESTROYS}),
        ([outside("api1", "prod")], (moving("prod", "old", None, Action.DELETE),), None, set()),
        (
            [outside("api1", "prod"), outside("api9", "prod")],
            (moving("prod", "old", None, Action.DELETE),),
            None,
            {DESTROYS},
        ),
        ([], (moving("prod", "old", None, Action.FORGET),), None, {DESTROYS}),
        (Unanswered(reason="denied", remedy="x"), (), [], {"certificate-unverified"}),
    ],
    ids=[
        "nobody",
        "outside",
        "another id",
        "drifted",
        "destroyed with it",
        "destroyed, and one outside",
        "forgotten stage",
        "unknown",
    ],
)
def test_i1_a_certificate_in_use_is_not_destroyed_unseen(survey, plan_stages, stages, expected):
    """I1: destroying a certificate that any remaining stage presents is a finding, also outside
    Terraform. An unanswered survey is not clean.
    """
    plan = Plan(certificates=(making("old", Action.DELETE),), stages=plan_stages)
    assert rules(plan, stages, survey=survey) - {DETACHED} == expected


def test_the_finding_names_who_presents_it():
    """The finding names the stages inside and outside Terraform, and the block's line."""
    plan = Plan(certificates=(making("old", Action.REPLACE),))
    cases = cases_of(
        document(FINE, plan=plan, declared=lineage(old=None)), survey=[outside("api9", "hidden")]
    )
    (finding,) = findings(cases, DESTROYS)
    assert finding.message == (
        "the plan would replace certificate old while it is presented by aws_api_gateway_stage.prod and in AWS api9/hidden"
    )
    assert str(finding.location) == "main.tf:10"


@pytest.mark.parametrize(
    ("left", "plan", "weight"),
    [
        (7, None, None),
        (6.9, None, "error"),
        (-1, None, "error"),
        (3, Plan(stages=(moving("prod", "old", "new"),)), "warning"),
        (3, Plan(), "error"),
    ],
)
def test_a_rotation_is_overdue_from_the_moment_after_repoint_by(left, plan, weight):
    """A rotation is overdue once repoint-by is past; a plan that moves the stages lowers it to a
    warning.
    """
    known = [certificate("old", left), certificate("new", 340)]
    cases = cases_of(document(known, plan=plan, declared=lineage(old=None, new="old")))
    assert said(cases).get(OVERDUE) == weight


@pytest.mark.parametrize(("waiver", "waits"), [("never", True), ("confirmed", False)])
def test_the_remedy_of_an_overdue_rotation_names_no_window_that_is_waived(waiver, waits):
    """The remedy of an overdue rotation mentions the trust window only if it is not waived."""
    two = [known("old", 3), replace(known("new", 364), created_at=NOW)]
    policy = Policy(backends=(backend("new"),), trust_window_waiver=WindowWaiver(waiver))
    declared = lineage(old=None, new="old")
    (found,) = findings(cases_of(document(two, declared=declared), policy=policy), OVERDUE)
    assert ("trust window ends" in found.remedy) == waits
    assert ("repoint the stages now" in found.remedy) != waits


def test_without_a_successor_in_state_nothing_is_overdue():
    """Without a successor in state there is certificate-expiring, and no rotation-overdue."""
    assert said(
        cases_of(document([certificate("old", 3)], declared=lineage(old=None, new="old")))
    ) == {"certificate-expiring": "error"}


def test_a_second_successor_beside_one_in_state_fails_the_plan_that_makes_it():
    """A plan that creates a second successor is an error, unless the first one ends too soon."""
    declared = lineage(old=None, one="old", two="old")
    plan = Plan(certificates=(making("two"),))
    there = [certificate("old"), certificate("one", 350)]
    (found,) = findings(cases_of(document(there, plan=plan, declared=declared)), UNSTAGED)
    assert found.severity is Severity.ERROR
    assert "second successor" in found.message
    assert f"{CERTIFICATE}.one" in found.remedy
    for left in (-1, 5, 20):
        ended = [certificate("old"), certificate("one", left)]
        assert findings(cases_of(document(ended, plan=plan, declared=declared)), UNSTAGED) == []
    both = Plan(certificates=(making("one"), making("two")))
    assert len(findings(cases_of(document(plan=both, declared=declared)), UNSTAGED)) == 1


@pytest.mark.parametrize("name", ["old_two", "old_202611", "old_new"])
def test_a_plan_that_makes_a_manual_successor_alone_is_the_cure(name):
    """A plan that creates only a manual successor lowers certificate-expiring; with a stage move it
    does not.
    """
    declared = lineage(**{"old": None, name: None})
    alone = Plan(certificates=(making(name),))
    (found,) = findings(cases_of(document(plan=alone, declared=declared)), "certificate-expiring")
    assert found.severity is Severity.WARNING
    moved = Plan(
        certificates=(making(name),),
        stages=(moving("prod", "old", PresentsPlanned((certificate_at(name),))),),
    )
    (found,) = findings(cases_of(document(plan=moved, declared=declared)), "certificate-expiring")
    assert found.severity is Severity.ERROR
    other = Plan(certificates=(making("elsewhere"),))
    (found,) = findings(
        cases_of(document(plan=other, declared=lineage(old=None, elsewhere=None))),
        "certificate-expiring",
    )
    assert found.severity is Severity.ERROR


def test_an_imported_successor_takes_the_rotation_forward():
    """A plan that imports the successor lowers certificate-expiring to a warning."""
    declared = lineage(old=None, new="old")
    change = CertificateChange(
        address=certificate_at("new"),
        action=Action.NO_OP,
        before=certificate("new", 350),
        after=certificate("new", 350),
        imported=True,
    )
    (found,) = findings(
        cases_of(document(plan=Plan(certificates=(change,)), declared=declared)),
        "certificate-expiring",
    )
    assert found.severity is Severity.WARNING


def test_the_remedy_of_a_one_step_change_names_the_patch_that_separates_it():
    """The remedy of a one-step change says that `tfcert patch` keeps the new certificate."""
    made = lineage(old=None, other=None)
    taking = replace(made.certificates[1], stages=frozenset({stage_at("prod")}))
    declared = replace(made, certificates=(made.certificates[0], taking))
    plan = Plan(
        certificates=(making("other"),),
        stages=(moving("prod", "old", PresentsPlanned((certificate_at("other"),))),),
    )
    (found,) = findings(cases_of(document(plan=plan, declared=declared)), UNSTAGED)
    assert f"keeps {CERTIFICATE}.other" in found.remedy
    assert "tfcert patch" in found.remedy
