"""Each folder of fixtures/scenarios: its three patches, `git apply` of them, and the whole
rotation.

`TFCERT_RECORD=1` writes the expected patches again; review the difference before you commit it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from world import World, days, git, tree

from checker.model.rotation import SERIES, Blocked, Next, Phase, Waiting
from checker.patches.patch import PhasePatch

SCENARIOS = Path(__file__).parents[2] / "fixtures" / "scenarios"
ALL = sorted(path.name for path in SCENARIOS.iterdir() if path.is_dir())
BLOCKED = [name for name in ALL if name.startswith("blocked-")]
LITERAL = [name for name in ALL if name.startswith("literal-")]
ROTATING = [name for name in ALL if name not in {*BLOCKED, *LITERAL}]


def lay_out(name: str, folder: Path) -> World:
    state = tomllib.loads((SCENARIOS / name / "state.toml").read_text(encoding="utf-8"))
    shutil.copytree(SCENARIOS / name / "config", folder, dirs_exist_ok=True)
    return World(
        folder=folder,
        certificates=dict(state["certificates"]),
        stages=dict(state["stages"]),
        ends={identity: days(count) for identity, count in state.get("days_left", {}).items()},
    )


@pytest.mark.parametrize("name", ROTATING)
def test_the_three_patches_are_those_that_are_expected_and_git_applies_each(name, tmp_path):
    """Each patch equals the expected file, and `git apply` writes exactly the text of its phase."""
    world = lay_out(name, tmp_path)
    before = tree(tmp_path)
    _, patches = world.ask(every=True)
    assert all(isinstance(rotation.step, Next) for rotation in patches.rotations), patches.rotations
    assert [entry.phase for entry in patches.patches] == list(SERIES)
    assert tree(tmp_path) == before, "asking changed a file"
    for entry in patches.patches:
        expected = SCENARIOS / name / entry.file_name
        if os.environ.get("TFCERT_RECORD"):
            expected.write_bytes(entry.diff(""))
        assert entry.diff("") == expected.read_bytes()
    git(tmp_path, "init", "-q")
    for entry in patches.patches:
        git(tmp_path, "apply", "--whitespace=nowarn", "-", data=entry.diff(""))
        before.update({change.path: change.after for change in entry.changes})
        assert tree(tmp_path) == before
    for entry in reversed(patches.patches):
        git(tmp_path, "apply", "--whitespace=nowarn", "-R", "-", data=entry.diff(""))
    first = {change.path: change.before for e in reversed(patches.patches) for change in e.changes}
    assert tree(tmp_path) == {
        path: text for path, text in {**before, **first}.items() if text is not None
    }


@pytest.mark.parametrize("name", ROTATING)
def test_asking_again_after_each_step_goes_through_the_whole_rotation_and_ends(name, tmp_path):
    """I6: a written phase waits and writes nothing, an applied one gives the next, and retire ends
    the rotation.
    """
    world = lay_out(name, tmp_path)
    for phase in SERIES:
        _, patches = world.ask()
        assert [rotation.step for rotation in patches.rotations] == [Next(phase)] * len(
            patches.rotations
        ), patches.rotations
        assert patches.rotations
        assert [entry.phase for entry in patches.patches] == [phase]
        assert patches.patches[0].on_disk
        expected = (SCENARIOS / name / patches.patches[0].file_name).read_bytes()
        assert patches.patches[0].diff("") == expected
        world.write(patches)
        left = tree(tmp_path)
        _, again = world.ask()
        assert again.rotations
        assert all(isinstance(rotation.step, Waiting) for rotation in again.rotations), (
            again.rotations
        )
        assert again.patches == ()
        world.apply(phase, patches.rotations)
        assert tree(tmp_path) == left
        if phase is Phase.REPOINT:
            assert_it_can_be_taken_back(world, patches.patches[0])
    outcome, patches = world.ask()
    assert (patches.rotations, patches.patches) == ((), ())
    assert outcome.exit_code == 0


def assert_it_can_be_taken_back(world: World, repointed: PhasePatch) -> None:
    """Check that rollback restores the bytes from before repoint, and is blocked once the
    predecessor has ended.
    """
    _, patches = world.ask(phase=Phase.ROLLBACK)
    assert [rotation.step for rotation in patches.rotations] == [Next(Phase.ROLLBACK)] * len(
        patches.rotations
    ), patches.rotations
    (entry,) = patches.patches
    assert {(c.path, c.before, c.after) for c in entry.changes} == {
        (c.path, c.after, c.before) for c in repointed.changes
    }
    later = replace(world, now=days(30))
    _, patches = later.ask(phase=Phase.ROLLBACK)
    assert patches.rotations
    assert all(
        isinstance(rotation.step, Blocked) and "ended on" in rotation.step.reason
        for rotation in patches.rotations
    )
    assert patches.patches == ()


@pytest.mark.parametrize("name", BLOCKED)
@pytest.mark.parametrize(
    "wish", [{}, {"every": True}, {"phase": Phase.RETIRE}], ids=["next", "all", "retire"]
)
def test_what_cannot_be_written_safely_is_blocked_and_names_the_reason(name, wish, tmp_path):
    """A blocked rotation has no patch in any phase, and its reason names the expected file, block
    or value.
    """
    world = lay_out(name, tmp_path)
    before = tree(tmp_path)
    wanted = tomllib.loads((SCENARIOS / name / "state.toml").read_text(encoding="utf-8"))
    _, patches = world.ask(**wish)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked), rotation.step
    assert rotation.step.remedy
    for text in wanted["blocked"]:
        assert text in rotation.step.reason
    for text in wanted.get("remedy", ()):
        assert text in rotation.step.remedy
    assert patches.patches == ()
    assert tree(tmp_path) == before


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("terraform") is None, reason="no terraform here")
@pytest.mark.parametrize(
    "name", ["for-each", "one-stage", "outputs", "several-stages", "two-certificates"]
)
def test_what_terraform_fmt_left_alone_it_leaves_alone_after_each_phase(name, tmp_path):
    """A file that `terraform fmt` leaves unchanged stays in that format after each phase."""
    world = lay_out(name, tmp_path)
    _, patches = world.ask(every=True)
    assert [entry.phase for entry in patches.patches] == list(SERIES)
    for entry in patches.patches:
        for change in entry.changes:
            for text in (change.before, change.after):
                done = subprocess.run(
                    ["terraform", "fmt", "-"], input=text, capture_output=True, check=True
                )
                assert done.stdout == text
