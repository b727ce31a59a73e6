"""I6: after manual edits or applies, a run gives the next phase or the reason why it waits."""

from __future__ import annotations

import pytest
from test_steps import INTRODUCED, NEW, OLD, REPOINTED, introduced, observe, rotations
from world import BASE, CERTIFICATE, NOW, STAGE, World, days, world

from checker.model.observation import Gone
from checker.model.rotation import Blocked, Done, Next, Phase, Waiting

OTHER = f'\nresource "{STAGE}" "blue" {{\n  client_certificate_id = {CERTIFICATE}.orders.id\n}}\n'
THIRD = f'\n# tfcert: succeeds {NEW}\nresource "{CERTIFICATE}" "third" {{\n}}\n'


def test_i6_a_stage_that_was_moved_by_hand_is_moved_no_second_time(tmp_path):
    """I6: if one reference points to the successor already, repoint moves only the others."""
    text = INTRODUCED.replace("orders.id", "n.id") + OTHER
    stages = {f"{STAGE}.prod": "new000", f"{STAGE}.blue": "old000"}
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={OLD: "old000", NEW: "new000"},
        stages=stages,
        ends={"new000": days(350)},
    )
    _, patches = home.ask()
    assert [rotation.step for rotation in patches.rotations] == [Next(Phase.REPOINT)]
    (change,) = patches.patches[0].changes
    assert change.after == text.replace("orders.id", "n.id").encode()


def test_i6_a_successor_that_was_renamed_by_hand_is_followed_by_its_comment(tmp_path):
    """I6: a successor renamed together with its `succeeds` comment stays the successor in every
    phase.
    """
    text = INTRODUCED.replace('"n" {', '"main_2026" {')
    renamed = f"{CERTIFICATE}.main_2026"
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={OLD: "old000", renamed: "new000"},
        stages={f"{STAGE}.prod": "old000"},
        ends={"new000": days(350)},
    )
    _, patches = home.ask(every=True)
    assert [str(rotation.successor) for rotation in patches.rotations] == [renamed]
    assert [entry.phase for entry in patches.patches] == [Phase.REPOINT, Phase.RETIRE]
    assert b"main_2026.id" in patches.patches[0].changes[0].after


def test_i6_a_renamed_successor_that_is_not_applied_is_waited_for_by_its_new_name(tmp_path):
    """I6: a renamed successor that is not applied waits under its new name.

    The old name waits for its deletion.
    """
    text = INTRODUCED.replace('"n" {', '"main_2026" {')
    home = introduced(tmp_path, text)
    by_label = {rotation.label: rotation.step for rotation in rotations(home, observe(home))}
    assert isinstance(by_label[OLD], Waiting)
    assert "main_2026 is not in state" in by_label[OLD].reason
    assert isinstance(by_label[NEW], Waiting)
    assert "gone from the configuration" in by_label[NEW].reason


def third_generation(folder, text: str, shown: str) -> World:
    certificates = {OLD: "old000", NEW: "new000", f"{CERTIFICATE}.third": "third0"}
    ends = {"old000": days(-3), "new000": days(9), "third0": days(360)}
    return world(
        folder,
        {"main.tf": text},
        certificates=certificates,
        stages={f"{STAGE}.prod": shown},
        ends=ends,
    )


def test_i6_two_generations_go_their_own_ways(tmp_path):
    """I6: with three generations, the oldest is retired while its successor is repointed."""
    home = third_generation(tmp_path, REPOINTED + THIRD, "new000")
    _, patches = home.ask()
    steps = {rotation.label: rotation.step for rotation in patches.rotations}
    assert steps == {OLD: Next(Phase.RETIRE), NEW: Next(Phase.REPOINT)}
    _, back = home.ask(phase=Phase.ROLLBACK)
    told = {rotation.label: rotation.step for rotation in back.rotations}
    assert isinstance(told[OLD], Blocked), "it has ended"
    assert isinstance(told[NEW], Waiting), "nothing was moved yet"
    assert back.patches == ()


def test_i6_both_generations_can_be_retired_in_one_apply(tmp_path):
    """I6: two predecessors are retired in one patch, and no `succeeds` comment remains."""
    home = third_generation(
        tmp_path,
        REPOINTED.replace("= aws_api_gateway_client_certificate.n.id", f"= {CERTIFICATE}.third.id")
        + THIRD,
        "third0",
    )
    _, patches = home.ask()
    assert {rotation.label: rotation.step for rotation in patches.rotations} == {
        OLD: Next(Phase.RETIRE),
        NEW: Next(Phase.RETIRE),
    }
    (entry,) = patches.patches
    text = entry.changes[0].after
    assert text.count(b"resource") == 2
    assert b"succeeds" not in text


@pytest.mark.parametrize(
    ("text", "shown", "step"),
    [(INTRODUCED, "old000", Phase.REPOINT), (REPOINTED, "new000", Phase.RETIRE)],
)
def test_i6_a_predecessor_that_is_gone_from_aws_is_rotated_out_all_the_same(
    text, shown, step, tmp_path
):
    """I6: a predecessor that AWS deleted does not change the phase: repoint and retire are as due
    as before.
    """
    home = introduced(tmp_path, text, presented=shown, applied=text is not BASE)
    (rotation,) = rotations(home, observe(home, old000=Gone()))
    assert rotation.step == Next(step)


def test_i1_what_is_gone_from_aws_is_not_introduced_beside_but_made_anew_alone(tmp_path):
    """I1: a deleted certificate without a successor is blocked, and the remedy creates it again
    with `-target`.

    The apply of introduce would also re-create the predecessor and move the stages to it
    (tests/acceptance).
    """
    home = introduced(tmp_path, BASE, presented="old000", applied=False)
    (rotation,) = rotations(home, observe(home, old000=Gone()))
    assert isinstance(rotation.step, Blocked)
    assert f"-target='{OLD}'" in rotation.step.remedy


def test_i6_a_comment_whose_predecessor_was_deleted_by_hand_asks_for_nothing(tmp_path):
    """I6: a `succeeds` comment whose predecessor is deleted and removed from state makes the
    rotation done.
    """
    text = REPOINTED.replace(BASE.split("\n\n", maxsplit=1)[0] + "\n\n", "")
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={NEW: "new000"},
        stages={f"{STAGE}.prod": "new000"},
        ends={"new000": days(350)},
    )
    (rotation,) = rotations(home, observe(home))
    assert rotation.step == Done()
    assert home.now == NOW
