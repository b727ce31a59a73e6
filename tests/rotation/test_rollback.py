"""Rollback: whether repoint can be taken back, from configuration, state and AWS alone."""

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
    """A certificate that has ended or is gone cannot be presented again; what is not confirmed is no yes."""
    home = introduced(tmp_path, REPOINTED, presented="new000")
    (rotation,) = rotations(home, observe(home, old000=answer))
    assert rotation.back == step if isinstance(step, Next) else isinstance(rotation.back, step)
    assert said in getattr(rotation.back, "reason", "")


@pytest.mark.parametrize("text", [BASE, INTRODUCED])
def test_before_repoint_there_is_nothing_to_take_back(text, tmp_path):
    """Neither without a successor nor with one that nobody refers to."""
    home = introduced(tmp_path, text, applied=text is INTRODUCED)
    (rotation,) = rotations(home, observe(home))
    assert isinstance(rotation.back, Waiting)
    assert "nothing to roll back" in rotation.back.reason


def test_a_retire_that_is_written_must_be_taken_back_first(tmp_path):
    """Its block is no longer there, though AWS still has it: the remedy is the retire patch in reverse."""
    gone = REPOINTED.replace(BASE.split("\n\n", maxsplit=1)[0], "")
    home = introduced(tmp_path, gone, presented="new000")
    (rotation,) = rotations(home, observe(home))
    assert isinstance(rotation.back, Blocked)
    assert "-R 3-retire.patch" in rotation.back.remedy


def test_a_stage_that_takes_the_successor_from_elsewhere_is_named(tmp_path):
    """A rollback that would leave a stage on the successor is not written."""
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
