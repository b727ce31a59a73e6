"""Recorded text of rotations of certificates outside Terraform.

`fixtures/scenarios/manual.json` has the steps with the AWS CLI, and the rotations of a literal id.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import test_manual
import test_unmanaged
from builders import certificate, stage
from msgspec.structs import replace
from recorded import assert_recorded, plain
from test_manual import MANAGED, REST, SOCKET
from test_unmanaged import AGED, ENDED, LITERAL, OBSTACLE, UNANSWERED, YOUNG, facts, successor
from world import NOW

from checker.model.observation import Found, Gone
from checker.model.places import Access, Place
from checker.rotation.manual import manual_steps

FILE = Path(__file__).parents[2] / "fixtures" / "scenarios" / "manual.json"
TARGETS = {
    "steps of a new one": {},
    "steps of one that is made": {"successor_id": "new1"},
    "steps of two stages": {"stages": (REST, SOCKET)},
    "steps of no stage": {"stages": ()},
    "steps of one that is gone": {"gone": True},
    "steps of one of Terraform": {"managed": True},
    "steps of a stage of Terraform": {"left_to_terraform": (MANAGED,)},
    "steps of stages of Terraform alone": {"stages": (), "left_to_terraform": (MANAGED, MANAGED)},
    "steps where not all was listed": {"complete": False},
    "steps with a window of a day": {"trust_window_days": 1},
    "steps with a role": {
        "access": Access(role_arn="arn:aws:iam::123456789012:role/scan", external_id="it is")
    },
    "steps with a profile": {"access": Access(profile="a profile")},
    "steps where the account is not known": {"place": Place("aws", None, "eu-west-1")},
}
PROD, BETA = stage("prod", "old"), stage("beta", "old")
HINDERED = (replace(LITERAL[0], obstacles=(OBSTACLE,)),)
LITERALS = {
    "an id": (facts(literals=LITERAL), (), {}),
    "an id with an obstacle": (facts(literals=HINDERED), (), {}),
    "an id and a taken name": (
        facts(successor("prod_202611", succeeds_id="x"), literals=LITERAL),
        (),
        {},
    ),
    "an id that two stages present": (facts(literals=LITERAL), (), {"stages": [PROD, BETA]}),
    "an id that was not asked for": (facts(literals=LITERAL), (), {"asked": False}),
    "an id that is gone": (facts(literals=LITERAL), (), {"answer": Gone()}),
    "a written successor": (facts(successor(), literals=LITERAL), (), {}),
    "a young successor": (facts(successor(), literals=LITERAL), (YOUNG,), {}),
    "an aged successor": (facts(successor(), literals=LITERAL), (AGED,), {}),
    "an ended successor": (facts(successor(), literals=LITERAL), (ENDED,), {}),
    "two successors": (facts(successor(), successor("newer"), literals=LITERAL), (AGED,), {}),
    "a moved stage": (facts(successor("new", "prod")), (AGED,), {}),
    "a moved stage, young": (facts(successor("new", "prod")), (YOUNG,), {}),
    "two moved stages": (
        facts(successor("new", "prod", "beta")),
        (AGED,),
        {"stages": [PROD, BETA]},
    ),
    "another stage": (facts(successor("new", "beta")), (AGED,), {}),
    "another answer": (
        facts(successor(), literals=LITERAL),
        (certificate("new", 11),),
        {"answer": UNANSWERED},
    ),
}
ENDED_YESTERDAY = Found(expires_at=NOW - timedelta(days=1))
ANSWERS = {
    "ended": ENDED_YESTERDAY,
    "found": test_unmanaged.FOUND,
    "gone": Gone(),
    "refused": UNANSWERED,
    "none": None,
}


@pytest.mark.parametrize("name", TARGETS)
def test_every_word_of_the_manual_steps(name):
    """The steps of a manual rotation, with commands and expected output, equal the
    recorded text.
    """
    steps = manual_steps(test_manual.target(**TARGETS[name]))
    assert_recorded(name, [[each.does, *each.commands, each.then] for each in steps], FILE)


@pytest.mark.parametrize("name", LITERALS)
def test_every_word_of_a_literal(name):
    """The step, rollback, conditions and cautions of a literal id equal the recorded text."""
    declared, recorded, more = LITERALS[name]
    assert_recorded(name, plain(test_unmanaged.rotation(declared, *recorded, **more)), FILE)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_word_after_the_repoint_of_a_literal(name):
    """After the repoint of a literal id, the rotation has the recorded text for each
    answer of AWS.
    """
    found = test_unmanaged.rotation_with_answer(ANSWERS[name])
    assert_recorded(f"after repoint: {name}", plain(found), FILE)
