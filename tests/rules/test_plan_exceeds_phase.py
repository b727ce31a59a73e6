"""Tests of plan-exceeds-phase: a plan with more, less or other changes than its phase."""

from __future__ import annotations

import pytest
from builders import (
    cases_of,
    certificate,
    certificate_at,
    deploying,
    document,
    findings,
    lineage,
    making,
    moving,
    stage,
    stage_at,
)
from msgspec.structs import replace

from checker.model.configuration import HashedFile
from checker.model.location import Location
from checker.model.plan import Action, CertificateChange, Plan
from checker.model.resources import PresentsPlanned
from checker.model.rotation import SERIES, Phase
from checker.model.severity import Severity

NEW = PresentsPlanned((certificate_at("new"),))
INTRODUCE = Plan(certificates=(making("new"),))
REPOINT = Plan(stages=(moving("prod", "old", "new"),))
RETIRE = Plan(certificates=(making("old", Action.DELETE),))
PLANS = {Phase.INTRODUCE: INTRODUCE, Phase.REPOINT: REPOINT, Phase.RETIRE: RETIRE}
BY_PHASE = list(PLANS.items())


def complaints(plan: Plan, phase: Phase | None, declared=None) -> list[str]:
    known = [certificate("old", 300), certificate("new", 350), certificate("third", 350)]
    cases = cases_of(document(known, [stage("prod", "old")], plan, declared), expect=phase)
    return [finding.message for finding in findings(cases, "plan-exceeds-phase")]


@pytest.mark.parametrize(("phase", "plan"), BY_PHASE)
def test_each_phase_s_own_plan_is_accepted(phase, plan):
    """The plan of each phase passes for that phase, and without `--expect`."""
    assert complaints(plan, phase) == []
    assert complaints(plan, None) == []


@pytest.mark.parametrize(("phase", "plan"), BY_PHASE)
@pytest.mark.parametrize("expected", SERIES)
def test_each_phase_s_plan_is_no_other_phase(phase, plan, expected):
    """The plan of one phase has two findings for each other phase: what does not belong, and what
    is missing.
    """
    found = complaints(plan, expected)
    assert bool(found) == (phase is not expected)
    if found:
        assert len(found) == 2


@pytest.mark.parametrize("phase", SERIES)
def test_a_plan_that_does_nothing_is_less(phase):
    """An empty plan, or one with no-ops alone, is a finding for every phase."""
    idle = Plan(
        certificates=(
            CertificateChange(
                address=certificate_at("old"),
                action=Action.NO_OP,
                before=certificate("old"),
                after=certificate("old"),
            ),
        ),
        stages=(moving("prod", "old", "old", Action.NO_OP),),
        deployments=(deploying(Action.NO_OP),),
    )
    for plan in (Plan(), idle):
        (found,) = complaints(plan, phase)
        assert f"so it is no {phase}" in found


@pytest.mark.parametrize(("phase", "plan"), BY_PHASE)
@pytest.mark.parametrize(
    "extra",
    [
        {"certificates": (making("third", Action.UPDATE),)},
        {"certificates": (making("third", Action.REPLACE),)},
        {"stages": (moving("other", "old", "old", changed=frozenset({"variables"})),)},
        {"stages": (moving("other", None, None, Action.CREATE),)},
        {"stages": (moving("other", "old", None),)},
        {"stages": (moving("other", "old", NEW),)},
        {"deployments": (deploying(Action.REPLACE_CREATE_FIRST),)},
        {
            "certificates": (
                replace(making("third", Action.NO_OP), previous_address=certificate_at("second")),
            )
        },
        {
            "stages": (
                replace(
                    moving("other", "x", "x", Action.NO_OP),
                    previous_address=certificate_at("second"),
                ),
            )
        },
    ],
    ids=[
        "certificate updated",
        "certificate replaced",
        "stage's variables",
        "stage created",
        "stage detached",
        "stage onto a new one",
        "deployment",
        "certificate moved",
        "stage moved",
    ],
)
def test_more_than_the_phase_is_a_finding(phase, plan, extra):
    """One extra change to a certificate, a stage or a deployment is one finding."""
    more = replace(
        plan, **{name: (*getattr(plan, name), *changes) for name, changes in extra.items()}
    )
    assert len(complaints(more, phase)) == 1


def test_a_move_that_also_changes_something_else_is_named():
    """A stage move that also changes other attributes is a finding that names them."""
    plan = Plan(
        stages=(
            moving(
                "prod",
                "old",
                "new",
                changed=frozenset({"client_certificate_id", "variables", "cache_cluster_enabled"}),
            ),
        )
    )
    assert any(
        "also changes cache_cluster_enabled, variables" in said
        for said in complaints(plan, Phase.REPOINT)
    )


@pytest.mark.parametrize(
    ("before", "after"), [(None, "new"), ("old", None), ("old", "old"), ("old", NEW)]
)
def test_repoint_moves_from_one_existing_certificate_to_another(before, after):
    """Attaching, detaching, keeping a certificate, or moving to a new one is no repoint."""
    assert complaints(Plan(stages=(moving("prod", before, after),)), Phase.REPOINT)


def test_by_lineage_a_stage_moves_to_the_successor_and_no_other():
    """With lineage, a stage must move to the declared successor and to no other certificate."""
    declared = lineage(old=None, new="old", third=None)
    assert complaints(REPOINT, Phase.REPOINT, declared) == []
    found = complaints(Plan(stages=(moving("prod", "old", "third"),)), Phase.REPOINT, declared)
    assert any("moves to third, which does not succeed" in said for said in found)


def test_by_lineage_introduce_creates_successors_and_nothing_else():
    """If the configuration has lineage, introduce may create only successors."""
    both = Plan(certificates=(making("new"), making("extra")))
    assert complaints(both, Phase.INTRODUCE, lineage(old=None, new="old", extra="third")) == []
    assert complaints(both, Phase.INTRODUCE, lineage(old=None, new=None, extra=None)) == []
    (found,) = complaints(both, Phase.INTRODUCE, lineage(old=None, new="old", extra=None))
    assert "extra succeeds no certificate" in found


def test_forgetting_the_predecessor_retires_it_too():
    """Removing the unused predecessor from state without destroying it is a retire too."""
    assert complaints(Plan(certificates=(making("spare", Action.FORGET),)), Phase.RETIRE) == []
    assert complaints(Plan(certificates=(making("old", Action.FORGET),)), Phase.RETIRE)


def test_a_rollback_moves_stages_back_to_what_their_certificate_succeeded():
    """A rollback moves a stage to the predecessor of its certificate, and to no other
    certificate.
    """
    assert complaints(REPOINT, Phase.ROLLBACK, lineage(old="new", new=None)) == []
    assert complaints(REPOINT, Phase.ROLLBACK, lineage(old="third", third=None, new=None))


def test_a_rollback_that_makes_a_certificate_is_none():
    """A plan that creates or deletes a certificate is no rollback."""
    assert complaints(INTRODUCE, Phase.ROLLBACK)
    assert complaints(RETIRE, Phase.ROLLBACK)


HASHING = (HashedFile(place=Location("api_gateway.tf", 7), file="api_gateway.tf"),)
FOLLOWS = frozenset({"deployment_id"})
REDEPLOYED = replace(
    deploying(Action.REPLACE_CREATE_FIRST),
    changed=frozenset({"triggers", "id", "created_date", "invoke_url"}),
)


def redeploying(phase: Phase, deployment=REDEPLOYED, also: frozenset[str] = FOLLOWS) -> Plan:
    """Return a phase's plan in which the stage follows a new deployment."""
    plan = PLANS[phase]
    moved = moving("prod", "old", "new", changed=also | {"client_certificate_id"})
    stays = moving("prod", "old", "old", changed=also)
    return replace(
        plan, stages=(moved if phase is Phase.REPOINT else stays,), deployments=(deployment,)
    )


@pytest.mark.parametrize("expected", [*SERIES, "next"])
def test_a_deployment_that_a_hash_of_the_edited_file_replaces_is_a_warning(expected):
    """A deployment replaced because of a hash of the edited file is one warning that names the
    line.
    """
    phase = Phase.INTRODUCE if expected == "next" else expected
    declared = replace(lineage(old=None, new="old"), hashes=HASHING)
    known = [certificate("old", 300)] + (
        [certificate("new", 350)] if phase is not Phase.INTRODUCE else []
    )
    cases = cases_of(
        document(known, [stage("prod", "old")], redeploying(phase), declared), expect=expected
    )
    (found,) = findings(cases, "plan-exceeds-phase")
    assert found.severity is Severity.WARNING
    assert "api_gateway.tf:7" in found.message


@pytest.mark.parametrize("phase", SERIES)
@pytest.mark.parametrize(
    "plan",
    [
        {"deployment": replace(REDEPLOYED, changed=REDEPLOYED.changed | {"rest_api_id"})},
        {"deployment": replace(REDEPLOYED, action=Action.REPLACE)},
        {"deployment": replace(REDEPLOYED, action=Action.CREATE)},
        {"also": FOLLOWS | {"variables"}},
    ],
    ids=["other attribute", "deleted first", "a new one", "stage's variables"],
)
def test_a_deployment_that_more_than_the_hash_replaces_is_an_error(phase, plan):
    """A deployment that changes for more than the hash is an error."""
    declared = replace(lineage(old=None, new="old"), hashes=HASHING)
    known = [certificate("old", 300), certificate("new", 350)]
    cases = cases_of(
        document(known, [stage("prod", "old")], redeploying(phase, **plan), declared), expect=phase
    )
    assert any(found.severity is Severity.ERROR for found in findings(cases, "plan-exceeds-phase"))


@pytest.mark.parametrize("phase", SERIES)
def test_a_deployment_without_a_hash_in_the_configuration_is_an_error(phase):
    """A replaced deployment without a hash in the configuration is an error."""
    declared = lineage(old=None, new="old")
    known = [certificate("old", 300), certificate("new", 350)]
    cases = cases_of(
        document(known, [stage("prod", "old")], redeploying(phase), declared), expect=phase
    )
    assert any(found.severity is Severity.ERROR for found in findings(cases, "plan-exceeds-phase"))


OLD, PROD = certificate_at("old"), stage_at("prod")
INTRODUCES = replace(INTRODUCE, stages=(moving("prod", "old", NEW),))


def gone_when_taken_out(plan: Plan, left: Plan, phase: Phase, remedy: str) -> None:
    """Check that the plan has this remedy, and that it has no finding without the change."""
    known = [certificate("old", 300), certificate("new", 350), certificate("third", 350)]
    found = [
        findings(
            cases_of(document(known, [stage("prod", "old")], each), expect=phase),
            "plan-exceeds-phase",
        )
        for each in (plan, left)
    ]
    assert remedy in [each.remedy.split("; keep")[0] for each in found[0]]
    assert found[1] == []


@pytest.mark.parametrize(
    ("plan", "left", "phase", "remedy"),
    [
        (
            INTRODUCES,
            INTRODUCE,
            Phase.INTRODUCE,
            f"let {PROD} take its id from {OLD} again, and move it in a later change",
        ),
        (
            INTRODUCES,
            REPOINT,
            Phase.REPOINT,
            f"introduce comes first: apply {certificate_at('new')} alone, before any stage moves",
        ),
        (
            INTRODUCES,
            REPOINT,
            Phase.REPOINT,
            f"introduce comes first: apply {certificate_at('new')} alone, before {PROD} moves",
        ),
        (
            replace(RETIRE, stages=REPOINT.stages),
            REPOINT,
            Phase.REPOINT,
            f"keep {OLD} in the configuration, and take it out in a later change",
        ),
        (
            replace(RETIRE, stages=REPOINT.stages),
            RETIRE,
            Phase.RETIRE,
            f"repoint comes first: apply the move of {PROD} alone",
        ),
        (
            replace(REPOINT, certificates=(making("fourth"),)),
            REPOINT,
            Phase.REPOINT,
            f"take {certificate_at('fourth')} out of this change, and apply it in another one",
        ),
        (
            replace(REPOINT, certificates=(making("third", Action.FORGET),)),
            REPOINT,
            Phase.REPOINT,
            f"take the removed block of {certificate_at('third')} out of this change",
        ),
        (
            replace(REPOINT, certificates=(making("third", Action.UPDATE),)),
            REPOINT,
            Phase.REPOINT,
            f"take the edits of {certificate_at('third')} out of this change, and apply them alone",
        ),
        (
            replace(REPOINT, certificates=(making("third", Action.REPLACE),)),
            REPOINT,
            Phase.REPOINT,
            f"take what replaces {certificate_at('third')} out of this change",
        ),
        (
            replace(REPOINT, deployments=(deploying(Action.REPLACE),)),
            REPOINT,
            Phase.REPOINT,
            "take what changes aws_api_gateway_deployment.d out of this change",
        ),
        (
            replace(
                REPOINT,
                stages=(
                    *REPOINT.stages,
                    moving("two", "old", "old", changed=frozenset({"tags"})),
                ),
            ),
            REPOINT,
            Phase.REPOINT,
            f"take the edits of tags of {stage_at('two')} out of this change",
        ),
        (
            replace(
                INTRODUCE,
                certificates=(*INTRODUCE.certificates, making("old", Action.REPLACE)),
                stages=(moving("prod", "old", PresentsPlanned((certificate_at("old"),))),),
            ),
            INTRODUCE,
            Phase.INTRODUCE,
            f"{PROD} follows the replacement of {OLD}: take that out of this change",
        ),
        (
            replace(
                REPOINT,
                certificates=(
                    replace(
                        making("third", Action.NO_OP), previous_address=certificate_at("second")
                    ),
                ),
            ),
            REPOINT,
            Phase.REPOINT,
            f"apply the move of {certificate_at('third')} alone first",
        ),
        (
            replace(
                INTRODUCE,
                stages=(moving("prod", "third", "old"),),
                drifted=frozenset({stage_at("prod")}),
            ),
            INTRODUCE,
            Phase.INTRODUCE,
            f"{PROD} was changed outside Terraform: apply that alone first",
        ),
    ],
)
def test_the_remedy_says_which_change_to_take_out(plan, left, phase, remedy):
    """The remedy names the change to remove from the plan; without it there is no finding."""
    gone_when_taken_out(plan, left, phase, remedy)


@pytest.mark.parametrize(("phase", "plan"), BY_PHASE)
def test_the_phase_that_a_plan_is_instead_is_named_with_its_option(phase, plan):
    """The remedy names the `--expect` phase that the plan is, and with it the plan passes."""
    for expected in SERIES:
        known = [certificate("old", 300), certificate("new", 350)]
        cases = cases_of(document(known, [stage("prod", "old")], plan), expect=expected)
        found = [each.remedy for each in findings(cases, "plan-exceeds-phase")]
        named = [each for each in found if f"pass --expect {phase} " in each]
        assert len(named) == (expected is not phase)
    assert complaints(plan, phase) == []


def test_an_unrelated_certificate_beside_the_introduce_is_taken_out():
    """A certificate without a `succeeds` comment beside the introduced one is named in
    the remedy.
    """
    both = replace(INTRODUCE, certificates=(making("new"), making("fourth")))
    declared = lineage(old=None, new="old", fourth=None)
    known = [certificate("old", 300)]
    cases = cases_of(
        document(known, [stage("prod", "old")], both, declared), expect=Phase.INTRODUCE
    )
    (found,) = findings(cases, "plan-exceeds-phase")
    assert found.remedy.startswith(f"take {certificate_at('fourth')} out of this change")
