"""Tests of plan-exceeds-phase with `--expect next`.

The next phase of a rotation is the first that the configuration has and the prior state lacks.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    backend,
    cases_of,
    certificate,
    certificate_at,
    deploying,
    document,
    findings,
    known,
    lineage,
    making,
    moving,
    stage,
)
from msgspec.structs import replace
from world import NOW

from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.location import Location
from checker.model.plan import Action, CertificateChange, Plan
from checker.model.policy import Policy, WindowWaiver
from checker.model.resources import PresentsPlanned
from checker.model.rotation import Phase


def aged(name: str, days: int, left: float | None = None):
    """Return a recorded certificate that was created this many days ago."""
    return replace(
        certificate(name, 365 - days if left is None else left),
        created_at=NOW - timedelta(days=days),
    )


def complaints(
    plan: Plan, declared: ConfigurationFacts, *known, stages=None, expect="next"
) -> list[str]:
    cases = cases_of(
        document(list(known), stages or [stage("prod", "old")], plan, declared), expect=expect
    )
    return [finding.message for finding in findings(cases, "plan-exceeds-phase")]


OLD, NEW = aged("old", 353), aged("new", 5)
INTRODUCED = lineage(old=None, new="old")
MOVE = moving("prod", "old", "new")


def test_a_plan_without_any_change_of_ours_passes():
    """A plan without changes to certificates or stages passes."""
    assert complaints(Plan(), INTRODUCED, OLD, NEW) == []


@pytest.mark.parametrize(
    ("plan", "declared", "known", "stages"),
    [
        (Plan(certificates=(making("new"),)), INTRODUCED, (OLD,), None),
        (Plan(stages=(MOVE,)), INTRODUCED, (OLD, NEW), None),
        (
            Plan(certificates=(making("old", Action.DELETE),)),
            lineage(new=None),
            (OLD, NEW),
            [stage("prod", "new")],
        ),
        (
            Plan(certificates=(making("old", Action.FORGET),)),
            lineage(new=None),
            (OLD, NEW),
            [stage("prod", "new")],
        ),
    ],
    ids=["introduce", "repoint", "retire", "retire by removed"],
)
def test_each_phase_passes_when_it_is_the_next(plan, declared, known, stages):
    """A plan of the next phase passes; configuration and prior state decide which phase that is."""
    assert complaints(plan, declared, *known, stages=stages) == []


def test_rotations_in_different_phases_pass_in_one_plan():
    """Three rotations in different phases pass in one plan; no single phase by name would pass."""
    declared = lineage(a=None, a2="a", b=None, b2="b", c2=None)
    known = (aged("a", 353), aged("b", 353), aged("b2", 5), aged("c", 353), aged("c2", 30))
    stages = [stage("sa", "a"), stage("sb", "b"), stage("sc", "c2")]
    plan = Plan(
        certificates=(making("a2"), making("c", Action.DELETE)), stages=(moving("sb", "b", "b2"),)
    )
    assert complaints(plan, declared, *known, stages=stages) == []
    for phase in (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE):
        assert complaints(plan, declared, *known, stages=stages, expect=phase)


def test_two_phases_of_one_rotation_are_too_much():
    """Introduce with repoint, or repoint with retire, in one plan is a finding about the later
    phase.
    """
    planned = PresentsPlanned((certificate_at("new"),))
    both = Plan(certificates=(making("new"),), stages=(moving("prod", "old", planned),))
    (found,) = complaints(both, INTRODUCED, OLD)
    assert "does not move from one existing certificate to another" in found
    late = Plan(certificates=(making("old", Action.DELETE),), stages=(MOVE,))
    (found,) = complaints(late, lineage(new=None), OLD, NEW)[:1]
    assert "while stages still present it: repoint comes first" in found


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (Plan(certificates=(making("third"),)), "third succeeds no certificate"),
        (
            Plan(certificates=(making("old", Action.DELETE),)),
            "though its block is still in the configuration",
        ),
        (
            Plan(certificates=(making("old", Action.REPLACE),)),
            "has the planned action delete+create",
        ),
        (Plan(certificates=(making("old", Action.UPDATE),)), "has the planned action update"),
        (
            Plan(stages=(moving("prod", "old", None),)),
            "does not move from one existing certificate to another",
        ),
        (Plan(stages=(moving("prod", "old", "third"),)), "moves to third, which does not succeed"),
        (
            Plan(stages=(moving("prod", "old", "old", changed=frozenset({"variables"})),)),
            "also changes variables",
        ),
        (
            Plan(stages=(moving("prod", None, "new", Action.CREATE),)),
            "has the planned action create",
        ),
        (
            Plan(deployments=(deploying(Action.REPLACE),)),
            "publishes more than the next phase of any rotation should",
        ),
        (
            Plan(certificates=(replace(making("old", Action.DELETE), deposed="a1"),)),
            "for an old object of it (deposed a1)",
        ),
    ],
    ids=[
        "other",
        "delete",
        "replace",
        "update",
        "detach",
        "elsewhere",
        "variables",
        "new stage",
        "deployment",
        "deposed",
    ],
)
def test_any_other_change_of_ours_is_a_finding(plan, reason):
    """Each other change to certificates or stages is a finding with its own reason."""
    declared = lineage(old=None, new="old", third=None)
    known = (OLD, NEW, aged("third", 5))
    assert any(reason in found for found in complaints(plan, declared, *known)), complaints(
        plan, declared, *known
    )


def test_a_successor_that_is_deleted_again_is_no_retire():
    """Deleting a successor is no retire, because no certificate in use succeeds it."""
    plan = Plan(certificates=(making("new", Action.DELETE),))
    plan = replace(plan, certificates=(replace(plan.certificates[0], before=NEW),))
    (found,) = complaints(plan, lineage(old=None), OLD, NEW)
    assert "it is no predecessor" in found


@pytest.mark.parametrize(("age", "fits"), [(2, False), (3, True), (None, True)])
def test_a_repoint_inside_the_trust_window_is_too_early(age, fits):
    """A repoint within the trust window of three days is a finding.

    Without a creation date, the age is computed from the end date.
    """
    young = aged("new", age, 360) if age is not None else certificate("new", 360)
    found = complaints(Plan(stages=(MOVE,)), INTRODUCED, OLD, young)
    assert bool(found) is not fits
    if not fits:
        assert "before the trust window of 3 days is over" in found[0]


@pytest.mark.parametrize(
    ("waiver", "one", "fits"),
    [
        ("confirmed", backend("new"), True),
        ("confirmed", backend("old"), False),
        ("confirmed", backend(), False),
        ("never", backend("new"), False),
    ],
)
def test_a_waived_window_is_not_too_early(waiver, one, fits):
    """A waived trust window passes if the policy allows it and every backend is confirmed to trust
    the successor.
    """
    policy = Policy(backends=(one,), trust_window_waiver=WindowWaiver(waiver))
    young = replace(known("new", 360), created_at=NOW)
    plan = Plan(stages=(MOVE,))
    cases = cases_of(
        document([OLD, young], plan=plan, declared=INTRODUCED), expect="next", policy=policy
    )
    assert (findings(cases, "plan-exceeds-phase") == []) == fits


def test_a_hand_made_successor_that_is_imported_is_introduced():
    """A plan that only imports a manual successor is introduce; together with the move of a stage
    it is a finding.
    """
    imported = CertificateChange(
        address=certificate_at("new"), action=Action.NO_OP, before=NEW, after=NEW, imported=True
    )
    alone = Plan(certificates=(imported,))
    assert complaints(alone, INTRODUCED, OLD, NEW) == []
    assert complaints(alone, INTRODUCED, OLD, NEW, expect=Phase.INTRODUCE) == []
    (found,) = complaints(replace(alone, stages=(MOVE,)), INTRODUCED, OLD, NEW)
    assert "is not in state yet: introduce comes first" in found


def test_a_second_successor_beside_one_in_state_is_too_much():
    """A plan that creates a second successor is a finding that names the one in state."""
    declared = lineage(old=None, new="old", newer="old")
    (found,) = complaints(Plan(certificates=(making("newer"),)), declared, OLD, NEW)
    assert "would be a second successor" in found
    assert "beside aws_api_gateway_client_certificate.new, which is in state" in found


def test_by_an_id_the_successor_of_a_certificate_outside_terraform_is_known_too():
    """A successor of a certificate outside Terraform is recognized by the id in its `succeeds`
    comment.
    """
    block = DeclaredCertificate(
        block=certificate_at("new"), location=Location("main.tf", 1), succeeds_id="old"
    )
    declared = ConfigurationFacts(directory=".", certificates=(block,))
    assert complaints(Plan(certificates=(making("new"),)), declared) == []
    assert complaints(Plan(stages=(MOVE,)), declared, NEW) == []


def test_each_instance_moves_to_its_own_successor_once_all_are_there():
    """Instances of a for_each move only once every instance has its successor, each to its own."""

    def keyed(name, key, age):
        address = replace(certificate_at(name), key=key)
        return replace(aged(f"{name}{key}", age), address=address)

    olds = (keyed("old", "a", 353), keyed("old", "b", 353))
    plan = Plan(stages=(moving("prod", "olda", "newa"),))
    both = (*olds, keyed("new", "a", 5), keyed("new", "b", 5))
    stages = [stage("prod", "olda")]
    assert complaints(plan, INTRODUCED, *both, stages=stages) == []
    (found,) = complaints(plan, INTRODUCED, *both[:3], stages=stages)
    assert 'aws_api_gateway_client_certificate.new["b"] is not in state yet' in found
    crossed = Plan(stages=(moving("prod", "olda", "newb"),))
    (found,) = complaints(crossed, INTRODUCED, *both, stages=stages)
    assert "does not succeed" in found


def test_a_phase_by_name_says_which_phase_the_plan_is_instead():
    """A plan of another phase than the expected one names its actual phase."""
    found = complaints(Plan(certificates=(making("new"),)), INTRODUCED, OLD, expect=Phase.REPOINT)
    assert any(said.endswith("so it is no repoint: it is introduce") for said in found)
