"""Rollback: whether repoint can be reverted, by configuration, state and AWS."""

from __future__ import annotations

import pytest
from test_steps import INTRODUCED, NEW, OLD, REFUSED, REPOINTED, introduced, observe, rotations
from world import BASE, STAGE, days, world

from checker.model.observation import Found, Gone
from checker.model.rotation import Blocked, Next, Phase, Waiting


@pytest.mark.parametrize(
    ("answer", "step", "said"),
    [
        (Found(expires_at=days(3)), Next(Phase.ROLLBACK), ""),
        (Found(expires_at=days(-1)), Blocked, "ended on 2026-11-22"),
        (Gone(), Blocked, "does not know"),
        (REFUSED, Waiting, "access denied"),
        (None, Waiting, "--offline"),
    ],
)
def test_there_is_a_way_back_only_while_aws_confirms_the_predecessor(answer, step, said, tmp_path):
    """Rollback is possible only while AWS confirms that the predecessor exists and has
    not ended.
    """
    home = introduced(tmp_path, REPOINTED, presented="new000")
    (rotation,) = rotations(home, observe(home, old000=answer))
    assert rotation.back == step if isinstance(step, Next) else isinstance(rotation.back, step)
    assert said in getattr(rotation.back, "reason", "")


@pytest.mark.parametrize("text", [BASE, INTRODUCED])
def test_before_repoint_there_is_nothing_to_take_back(text, tmp_path):
    """Before repoint there is nothing to roll back."""
    home = introduced(tmp_path, text, applied=text is INTRODUCED)
    (rotation,) = rotations(home, observe(home))
    assert isinstance(rotation.back, Waiting)
    assert "nothing to roll back" in rotation.back.reason


def test_a_retire_that_is_written_must_be_taken_back_first(tmp_path):
    """With a written retire, rollback is blocked; the remedy reverts the retire patch."""
    gone = REPOINTED.replace(BASE.split("\n\n", maxsplit=1)[0], "")
    home = introduced(tmp_path, gone, presented="new000")
    (rotation,) = rotations(home, observe(home))
    assert isinstance(rotation.back, Blocked)
    assert "-R 3-retire.patch" in rotation.back.remedy


def test_a_stage_that_takes_the_successor_from_elsewhere_is_named(tmp_path):
    """Rollback is blocked if a stage has the successor's id as a literal, because it would stay
    there.
    """
    text = REPOINTED + f'\nresource "{STAGE}" "other" {{\n  client_certificate_id = "new000"\n}}\n'
    stages = {f"{STAGE}.prod": "new000", f"{STAGE}.other": "new000"}
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={OLD: "old000", NEW: "new000"},
        stages=stages,
        ends={"new000": days(9)},
    )
    (rotation,) = (each for each in rotations(home, observe(home)) if str(each.predecessor) == OLD)
    assert isinstance(rotation.back, Blocked)
    assert f"{STAGE}.other" in rotation.back.reason
