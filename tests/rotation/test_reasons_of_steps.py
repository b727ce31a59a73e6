"""Why a rotation is blocked, in the cases that the recorded states do not have."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, certificate_at, stage, stage_at
from msgspec.structs import replace
from test_recorded_steps import (
    AGED,
    LEFT,
    NEW,
    OLD_CERTIFICATE,
    OTHER,
    TAKEN,
    UNREAD,
    USED,
    block,
    facts,
    given,
)

from checker.model.configuration import DeclaredStage, Obstacle
from checker.model.rotation import Blocked
from checker.rotation.planner import plan_rotations


def step(declared, *recorded, stages=None, label=None):
    found = {
        each.label: each.step
        for each in plan_rotations(cases_of(given(declared, *recorded, stages=stages)))
    }
    return found[label or str(certificate_at("old"))]


@pytest.mark.parametrize(
    ("names", "blocked"), [(None, True), ("old", True), ("unknown", True), ("third", False)]
)
def test_a_comment_that_cannot_be_read_concerns_the_certificate_that_it_may_name(names, blocked):
    """One that names another certificate of the configuration concerns that one."""
    unread = replace(UNREAD, names=certificate_at(names) if names is not None else None)
    found = step(facts(USED, block("third"), unread_lineage=(unread,)), OLD_CERTIFICATE)
    assert (isinstance(found, Blocked) and UNREAD.reason in found.reason) is blocked


def test_two_phases_ahead_names_every_missing_instance():
    old = [
        replace(certificate("old"), id=key, address=replace(certificate_at("old"), key=key))
        for key in ("eu", "us")
    ]
    found = step(facts(LEFT, TAKEN), *old, stages=[stage("prod", "eu")])
    assert isinstance(found, Blocked)
    new = certificate_at("new")
    assert f'this state: {new}["eu"], {new}["us"] is not in it' in found.reason
    assert f"-target='{new}[\"eu\"]' -target='{new}[\"us\"]'" in found.remedy


def test_a_stage_that_takes_its_id_from_another_certificate_is_named_with_both():
    """The step names the other certificate, if the configuration declares it."""
    third = block("third", stages=frozenset({stage_at("b")}))
    declared = facts(
        LEFT,
        TAKEN,
        third,
        stages=tuple(DeclaredStage(block=stage_at(name), location=OTHER) for name in ("prod", "b")),
    )
    shown = [stage("prod", "new"), stage("b", "old")]
    found = step(declared, OLD_CERTIFICATE, AGED, stages=shown)
    assert isinstance(found, Blocked)
    assert "aws_api_gateway_stage.b presents it, but takes its id from " in found.reason
    assert f"{certificate_at('third')} (third.tf:1)" in found.reason
    assert "apply aws_api_gateway_client_certificate.third alone" in found.remedy
    alone = replace(declared, certificates=(LEFT, TAKEN))
    found = step(alone, OLD_CERTIFICATE, AGED, stages=shown)
    assert isinstance(found, Blocked)
    assert "takes its id from nothing that can be followed" in found.reason
    assert NEW.succeeds == certificate_at("old")


def test_an_obstacle_is_named_with_its_line_if_it_has_one():
    for place, end in ((OTHER, f"it is odd ({OTHER})"), (None, "it is odd")):
        obstacle = Obstacle(reason="it is odd", remedy="mend it", location=place)
        found = step(facts(replace(USED, obstacles=(obstacle,))), OLD_CERTIFICATE)
        assert isinstance(found, Blocked)
        assert (found.reason, found.remedy) == (end, "mend it")
