"""Scenarios `literal-*`: a certificate outside Terraform, whose literal id becomes a reference."""

from __future__ import annotations

import os

import pytest
from test_scenarios import LITERAL, SCENARIOS, lay_out
from world import days, git, tree

from checker.model.rotation import Blocked, Done, Next, Phase, Waiting
from checker.patches.runbook import runbook

OLD = "old000"


@pytest.mark.parametrize("name", LITERAL)
def test_the_two_patches_are_those_that_are_expected_and_git_applies_each(name, tmp_path):
    """The introduce and repoint patches equal the expected files, and `git apply` accepts both.

    A request for retire names the AWS command that deletes the certificate.
    """
    world = lay_out(name, tmp_path)
    before = tree(tmp_path)
    _, patches = world.ask(every=True)
    assert [rotation.step for rotation in patches.rotations] == [Next(Phase.INTRODUCE)]
    assert [entry.phase for entry in patches.patches] == [Phase.INTRODUCE, Phase.REPOINT]
    git(tmp_path, "init", "-q")
    for entry in patches.patches:
        expected = SCENARIOS / name / entry.file_name
        if os.environ.get("TFCERT_RECORD"):
            expected.write_bytes(entry.diff(""))
        assert entry.diff("") == expected.read_bytes()
        git(tmp_path, "apply", "--whitespace=nowarn", "-", data=entry.diff(""))
        before.update({change.path: change.after for change in entry.changes})
        assert tree(tmp_path) == before
    _, patches = lay_out(name, tmp_path / "again").ask(phase=Phase.RETIRE)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert f"delete-client-certificate --client-certificate-id {OLD}" in rotation.step.remedy


@pytest.mark.parametrize("name", LITERAL)
def test_i6_asking_again_goes_through_the_whole_rotation_and_ends_when_the_old_one_is_deleted(
    name, tmp_path
):
    """I6: a rotation of a literal id waits after each write, can be rolled back, and ends with the
    old certificate's deletion.
    """
    world = lay_out(name, tmp_path)
    literal_text = {}
    for phase in (Phase.INTRODUCE, Phase.REPOINT):
        _, patches = world.ask()
        assert [rotation.step for rotation in patches.rotations] == [Next(phase)]
        literal_text = tree(tmp_path)
        world.write(patches)
        _, again = world.ask()
        assert again.rotations
        assert all(isinstance(rotation.step, Waiting) for rotation in again.rotations), (
            again.rotations
        )
        assert again.patches == ()
        world.apply(phase, patches.rotations)
    _, patches = world.ask()
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert f"delete-client-certificate --client-certificate-id {OLD}" in rotation.step.remedy
    _, back = world.ask(phase=Phase.ROLLBACK)
    assert [rotation.step for rotation in back.rotations] == [Next(Phase.ROLLBACK)]
    world.write(back)
    assert OLD in "".join(
        text.decode() for path, text in tree(tmp_path).items() if path.endswith(".tf")
    )
    if not any(b"var.client_certificate_id" in text for text in literal_text.values()):
        assert tree(tmp_path) == literal_text
    world.write(world.ask()[1])
    del world.ends[OLD]
    _, patches = world.ask()
    assert [rotation.step for rotation in patches.rotations] == [Done()]
    assert patches.patches == ()


def test_a_literal_s_predecessor_that_ended_cannot_be_presented_again(tmp_path):
    """Rollback to an expired certificate outside Terraform names its end date and writes
    no patch.
    """
    world = lay_out("literal-in-the-stage", tmp_path)
    for phase in (Phase.INTRODUCE, Phase.REPOINT):
        _, patches = world.ask()
        world.write(patches)
        world.apply(phase, patches.rotations)
    world.now = days(20)
    _, back = world.ask(phase=Phase.ROLLBACK)
    assert "ended on" in back.rotations[0].step.reason
    assert back.patches == ()


def test_the_runbook_says_how_to_delete_what_is_not_terraform_s(tmp_path):
    """The runbook gives the AWS command that deletes the old certificate, and no retire patch."""
    world = lay_out("literal-in-the-stage", tmp_path)
    outcome, patches = world.ask(every=True)
    declared = outcome.cases.documents[0].document.declared
    text = runbook(
        patches.rotations, declared, outcome.cases.policy, as_of=outcome.cases.as_of, where="here"
    )
    assert f"delete-client-certificate --client-certificate-id {OLD}" in text
    assert "3-retire.patch" not in text
