"""Obstacles at the end of a rotation: references in JSON, comments apart from their block, two comments."""

from __future__ import annotations

import json

import pytest
from world import BASE, CERTIFICATE, STAGE, days, world

from checker.model.rotation import Blocked, Next, Phase, Waiting

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.n"
PROD = f"{STAGE}.prod"
OLD_BLOCK, STAGE_BLOCK = BASE.split("\n\n")
NEW_BLOCK = f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "n" {{\n  description = "n"\n}}\n'
REPOINTED = f"{OLD_BLOCK}\n\n{NEW_BLOCK}\n{STAGE_BLOCK.replace('orders.id', 'n.id')}"


def repointed(folder, text=REPOINTED, **files):
    """Return a world after repoint was applied."""
    return world(
        folder, {"main.tf": text, **files}, certificates={OLD: "old000", NEW: "new000"},
        stages={PROD: "new000"}, ends={"old000": days(12), "new000": days(350)},
    )  # fmt: skip


def written(home, phase):
    """Return the step of a phase, and the text of main.tf after it."""
    _, patches = home.ask(phase=phase)
    (rotation,) = [each for each in patches.rotations if str(each.predecessor) == OLD]
    changes = [each for entry in patches.patches for each in entry.changes]
    return rotation.step, [each.after.decode() for each in changes]


def test_rollback_names_a_reference_that_no_patch_can_move_back(tmp_path):
    """A file in JSON takes the successor's id; a patch of the other files would split the stages."""
    beside = {"resource": {STAGE: {"beta": {"client_certificate_id": f"${{{NEW}.id}}"}}}}
    home = repointed(tmp_path, **{"beta.tf.json": json.dumps(beside)})
    step, texts = written(home, Phase.ROLLBACK)
    assert isinstance(step, Blocked)
    assert "beta.tf.json" in step.reason
    assert texts == []


@pytest.mark.parametrize("gap", ["", "\n", "\n\n"])
def test_retire_takes_the_comment_of_the_predecessor_along(gap, tmp_path):
    """Its own comment would else seem to belong to the next block; the successor's goes too."""
    own = f"# tfcert: succeeds {CERTIFICATE}.older\n{gap}"
    home = repointed(tmp_path, own + REPOINTED)
    step, texts = written(home, Phase.RETIRE)
    assert step == Next(Phase.RETIRE)
    (text,) = texts
    assert "tfcert:" not in text
    assert OLD not in text
    assert f'resource "{CERTIFICATE}" "n"' in text


def test_retire_takes_out_the_comment_of_a_successor_that_was_passed_over(tmp_path):
    """It names a block that is no longer there."""
    passed = f'\n# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "ended" {{\n}}\n'
    home = repointed(tmp_path, REPOINTED + passed)
    home.certificates[f"{CERTIFICATE}.ended"] = "ended0"
    home.ends["ended0"] = days(5)
    step, texts = written(home, Phase.RETIRE)
    assert step == Next(Phase.RETIRE)
    assert "tfcert:" not in texts[0]


@pytest.mark.parametrize("phase", [Phase.REPOINT, Phase.RETIRE])
def test_a_phase_that_is_in_the_text_already_is_not_written_again(phase, tmp_path):
    """It waits for its apply."""
    home = repointed(tmp_path)
    home.stages[PROD] = "old000"
    if phase is Phase.RETIRE:
        home.stages[PROD] = "new000"
        (tmp_path / "main.tf").write_text(REPOINTED.partition("\n\n")[2])
    step, texts = written(home, phase)
    assert isinstance(step, Waiting)
    assert "written but not applied" in step.reason
    assert texts == []


def test_a_guess_without_its_predecessor_s_block_says_both(tmp_path):
    """The stage takes another certificate, and the block of the one that it presents is gone."""
    text = f'resource "{CERTIFICATE}" "n" {{\n}}\n\n{STAGE_BLOCK.replace("orders.id", "n.id")}'
    home = repointed(tmp_path, text)
    home.stages[PROD] = "old000"
    found = {str(each.predecessor): each.step for each in home.ask()[1].rotations}
    assert isinstance(found[OLD], Blocked)
    assert "its block is no longer in the configuration" in found[OLD].reason
    (tmp_path / "main.tf").write_text(f"{text}\nmoved {{\n  from = {OLD}\n  to   = {CERTIFICATE}.m\n}}\n")  # fmt: skip
    found = {str(each.predecessor): each.step for each in home.ask()[1].rotations}
    assert isinstance(found[OLD], Waiting)
    assert f"renames it to {CERTIFICATE}.m" in found[OLD].reason


def test_a_certificate_without_block_and_successor_is_kept_where_aws_shows_a_stage(tmp_path):
    """The next apply would delete it; without that stage it only waits for the apply."""
    home = world(tmp_path, {"main.tf": "locals {\n}\n"}, stages={}, elsewhere={"by-hand": "old000"})
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert "its block is gone from the configuration, so the next apply" in rotation.step.reason
    assert "by-hand" in rotation.step.reason


def test_a_counted_certificate_of_a_single_stage_is_imported_by_a_number_to_be_told(tmp_path):
    """The stage has no key, so it does not tell which instance it presents."""
    block = f'resource "{CERTIFICATE}" "orders" {{\n  count = 1\n}}\n\n'
    text = block + STAGE_BLOCK.replace("orders.id", "orders[0].id")
    home = world(tmp_path, {"main.tf": text}, certificates={}, ends={"old000": days(12)})
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert "import" in rotation.step.remedy
    assert OLD in rotation.step.remedy
