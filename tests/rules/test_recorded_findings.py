"""Recorded text of the findings about plans: each change with each expected phase.

The texts are in `fixtures/scenarios/findings.json`.
"""

from __future__ import annotations

from pathlib import Path

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
from recorded import assert_recorded, texts

from checker.model.configuration import ConfigurationFacts, DeclaredCertificate, HashedFile
from checker.model.location import Location
from checker.model.plan import Action, Plan
from checker.model.resources import PresentsPlanned
from checker.model.rotation import Phase

FILE = Path(__file__).parents[2] / "fixtures" / "scenarios" / "findings.json"
KNOWN = [certificate("old", 12), certificate("new", 361), certificate("third", 200)]
STAGES = [stage("prod", "old"), stage("other", "third")]
PLANNED = PresentsPlanned((certificate_at("new"),))
FOLLOWS = PresentsPlanned((certificate_at("old"),))
VARIABLES = frozenset({"variables", "tags"})
BOTH = frozenset({"client_certificate_id", "variables", "tags"})
TRIGGERED = replace(deploying(Action.REPLACE_CREATE_FIRST), changed=frozenset({"triggers"}))
MOVE = moving("prod", "old", "new")
CERTIFICATES = {action.value: Plan(certificates=(making("third", action),)) for action in Action}
PLANS = {
    **{f"third: {name}": plan for name, plan in CERTIFICATES.items()},
    "old is deleted": Plan(certificates=(making("old", Action.DELETE),)),
    "old is forgotten": Plan(certificates=(making("old", Action.FORGET),)),
    "new is made": Plan(certificates=(making("new"),)),
    "new is imported": Plan(certificates=(replace(making("new", Action.UPDATE), imported=True),)),
    "an old object is deleted": Plan(
        certificates=(replace(making("third", Action.DELETE), deposed="d1"),)
    ),
    "a certificate is moved": Plan(
        certificates=(replace(making("third", Action.NO_OP), previous_address=certificate_at("x")),)
    ),
    "a stage is moved": Plan(
        stages=(replace(moving("prod", "old", "old"), previous_address=stage_at("x")),)
    ),
    "a stage is made": Plan(stages=(moving("more", None, "old", Action.CREATE),)),
    "a stage is deleted": Plan(stages=(moving("other", "third", None, Action.DELETE),)),
    "a stage is replaced": Plan(stages=(moving("other", "third", "third", Action.REPLACE),)),
    "a stage's variables": Plan(stages=(moving("prod", "old", "old", changed=VARIABLES),)),
    "a stage is pointed and edited": Plan(stages=(moving("prod", "old", "new", changed=BOTH),)),
    "prod moves": Plan(stages=(MOVE,)),
    "prod moves and old is deleted": Plan(
        stages=(MOVE,), certificates=(making("old", Action.DELETE),)
    ),
    "prod moves to a third": Plan(stages=(moving("prod", "old", "third"),)),
    "prod moves to a planned one": Plan(
        certificates=(making("new"),), stages=(moving("prod", "old", PLANNED, changed=BOTH),)
    ),
    "prod follows a replacement": Plan(
        certificates=(making("old", Action.REPLACE),), stages=(moving("prod", "old", FOLLOWS),)
    ),
    "prod moves to what is not known": Plan(
        stages=(moving("prod", "old", PresentsPlanned((), elsewhere=True)),)
    ),
    "prod is detached": Plan(stages=(moving("prod", "old", None),)),
    "a stage gets its first": Plan(stages=(moving("bare", None, "new"),)),
    "the drift of a stage": Plan(stages=(MOVE,), drifted=frozenset({stage_at("prod")})),
    "a deployment": Plan(deployments=(deploying(Action.REPLACE_CREATE_FIRST),)),
    "a deployment by its trigger": Plan(stages=(MOVE,), deployments=(TRIGGERED,)),
    "the API is deleted": Plan(
        stages=(moving("prod", "old", "old", Action.NO_OP, frozenset()),),
        deleted_apis=frozenset({"api1"}),
    ),
    "errored": Plan(errored=True),
    "deferred": Plan(deferred=("aws_api_gateway_stage.prod",)),
    "nothing": Plan(),
}
EXPECTED = (None, "next", *Phase)


@pytest.mark.parametrize("name", PLANS)
def test_every_word_about_a_plan(name):
    """The findings about each plan equal the recorded text, for every expected phase."""
    declared = replace(
        lineage(old=None, new="old", third=None),
        hashes=(HashedFile(file="main.tf", place=Location("main.tf", 40)),),
    )
    found: dict[str, object] = {}
    for expected in EXPECTED:
        given = document(KNOWN, STAGES, PLANS[name], declared)
        judged = findings(cases_of(given, expect=expected, survey=[]))
        found[f"expecting {expected}"] = [
            line for line in texts(judged) if expected is None or "exceeds" in line
        ]
    assert_recorded(name, found, FILE)


def taker(name, *stages):
    """Return a certificate block that these stages refer to."""
    return DeclaredCertificate(
        block=certificate_at(name),
        location=Location(f"{name}.tf", 1),
        stages=frozenset(map(stage_at, stages)),
        pointers=(Location("main.tf", 30),) if stages else (),
        description="shown to the backend",
    )


OLD, TWO = taker("old"), taker("old_two", "prod")
WRITTEN = {
    "a manual successor beside its predecessor": (OLD, TWO),
    "a manual successor in place of its predecessor": (TWO,),
    "two manual successors": (OLD, TWO, taker("old_three", "prod")),
    "a new one that nothing names": (OLD, taker("old_two")),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_word_about_a_plan_that_makes_and_moves_at_once(name):
    """The findings about a plan that creates and moves at once have the recorded text, which
    depends on the blocks.
    """
    declared = ConfigurationFacts(directory=".", certificates=WRITTEN[name])
    moved = moving("prod", "old", PresentsPlanned((certificate_at("old_two"),)))
    leaving = () if OLD in WRITTEN[name] else (making("old", Action.DELETE),)
    plan = Plan(certificates=(making("old_two"), *leaving), stages=(moved,))
    found = findings(cases_of(document(plan=plan, declared=declared), survey=[]))
    assert_recorded(name, texts(found), FILE)
