"""Recorded text about consumers of the PEM: each kind of delivery in each phase.

`fixtures/scenarios/consumers.json` has the lines of the headers, the runbook and the patches.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from builders import certificate_at, stage
from recorded import assert_recorded
from world import NOW

from checker.model.configuration import ConfigurationFacts
from checker.model.location import Location
from checker.model.policy import Policy
from checker.model.rotation import (
    Blocked,
    Caution,
    Condition,
    ConditionStatus,
    Delivery,
    Done,
    JoinedTrust,
    Next,
    Phase,
    Rotation,
    TakenUp,
    TrustConsumer,
    Waiting,
)
from checker.patches.patch import PhasePatch
from checker.patches.runbook import REPOSITORY, header, runbook
from checker.patches.trust_text import also_changes, trust_effect, trust_lines
from checker.rotation.sentences import deadlines, preview_in_words, step_in_words

FILE = Path(__file__).parents[2] / "fixtures" / "scenarios" / "consumers.json"
STEPS = (
    *map(Next, Phase),
    Waiting("until 2026-11-25: it is young", until=NOW),
    Waiting("it is not applied", unverified=True),
    Blocked("it is odd", "mend it"),
    Done(),
)


def consumer(delivery, **more):
    return TrustConsumer(
        what="aws_s3_object.trust",
        location=Location("main.tf", 3),
        delivery=delivery,
        effect="it is sent",
        **more,
    )


def rotation(*trust, **more):
    given = {
        "step": Next(Phase.INTRODUCE),
        "stages": (str(stage("prod", "old").address),),
        "end": NOW + timedelta(days=12),
        "introduce_by": NOW + timedelta(days=2),
        "repoint_by": NOW + timedelta(days=5),
        "instances": (certificate_at("new"),),
        **more,
    }
    return Rotation(
        predecessor=certificate_at("old"),
        predecessor_ids=("old",),
        successor=certificate_at("new"),
        trust=trust,
        **given,
    )


@pytest.mark.parametrize("delivery", Delivery)
def test_every_word_about_a_consumer(delivery):
    """The text about a consumer of each delivery equals the recorded one, with and without both
    PEMs.
    """
    found = {}
    same = JoinedTrust(delivery=delivery, effect="it is sent")
    raised = JoinedTrust(delivery=Delivery.SENT, effect="the patch also raises v by one")
    for own in (
        {},
        {"needs": "set v to 2"},
        {"manual": "it is sent; give it both PEMs manually"},
        {"both": True},
        {"joined": same},
        {"joined": raised},
        {"joined": raised, "both": True, "written": True},
    ):
        one = rotation(consumer(delivery, **own))
        for both in (False, True):
            name = ", ".join(
                f"{key} {each.delivery if key == 'joined' else each}" for key, each in own.items()
            )
            found[f"{name or 'plain'}; --trust-bundle {both}"] = [
                trust_effect(one.trust[0], both=both),
                *(
                    [
                        f"{phase}",
                        *trust_lines(one, phase, both=both),
                        *also_changes(one, phase, both=both),
                        step_in_words(rotation(*one.trust, step=Next(phase)), both=both),
                    ]
                    for phase in Phase
                ),
            ]
    assert_recorded(str(delivery), found, FILE)


NO, OPEN, YES = ConditionStatus.NO, ConditionStatus.UNKNOWN, ConditionStatus.YES
CONDITIONS = tuple(
    condition
    for phase in Phase
    for condition in (
        Condition(phase=phase, text=f"{phase} is met", holds=YES, evidence="seen"),
        Condition(phase=phase, text=f"{phase} is old", holds=NO, until=NOW, why="it is young"),
        Condition(phase=phase, text=f"{phase} is open", holds=OPEN, evidence="not asked"),
        Condition(phase=phase, text=f"{phase} is not", holds=NO),
    )
)
CAUTIONS = tuple(Caution(phase=phase, text=f"mind {phase}") for phase in Phase)
TRUST = tuple(
    consumer(each) for each in (Delivery.SENT, Delivery.BY_ID, Delivery.UNKNOWN, Delivery.NEVER)
)
WITH_RUNBOOK = {"plain", "with conditions", "with consumers", "taken up"}
ROTATIONS = {
    "plain": rotation(),
    "with conditions": rotation(conditions=CONDITIONS),
    "with open conditions": rotation(conditions=CONDITIONS[2::4]),
    "with cautions": rotation(cautions=CAUTIONS),
    "with consumers": rotation(*TRUST),
    "taken up": rotation(taken_up=TakenUp(guess="a guess: it is new", applied=False)),
    "taken up, applied": rotation(taken_up=TakenUp(guess="a guess: it is new", applied=True)),
    "introduced": rotation(introduced=True, conditions=CONDITIONS),
    "introduced, without stages": rotation(introduced=True, stages=()),
    "left over": rotation(left_over=True, step=Next(Phase.RETIRE)),
    "passed over": rotation(passed_over=(certificate_at("young"),)),
    "without dates": rotation(end=None, introduce_by=None, repoint_by=None),
    **{f"step {number}": rotation(step=step) for number, step in enumerate(STEPS)},
}


@pytest.mark.parametrize("name", ROTATIONS)
def test_every_word_of_a_header_and_a_runbook(name):
    """The headers and the runbook of a rotation equal the recorded text, in a folder and at the
    root.
    """
    one = ROTATIONS[name]
    found = {
        "step": step_in_words(one),
        "previews": [preview_in_words(one, phase) for phase in Phase],
        "deadlines": [deadlines(one, NOW + timedelta(days=day)) for day in (0, 2, 3, 5, 6)],
        "headers": [
            header(
                PhasePatch(phase=phase, rotations=(one,), changes=(), on_disk=True, leaves={}),
                where=where,
            ).splitlines()
            for phase in Phase
            for where in (("live", REPOSITORY) if name == "plain" else ("live",))
        ],
        "runbook": name in WITH_RUNBOOK
        and runbook(
            (one,),
            ConfigurationFacts(directory="."),
            Policy(),
            as_of=NOW,
            where="live",
            files={phase: f"out dir/{phase}.patch" for phase in Phase},
            places={str(stage("prod", "old").address): stage("prod", "old")},
        ).splitlines(),
    }
    assert_recorded(name, found, FILE)
