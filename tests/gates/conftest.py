"""What the tests of the gates share."""

from __future__ import annotations

import pytest
from pipeline import Machine
from runner import Runner


@pytest.fixture
def workspace(tmp_path, fixtures):
    """A checkout with a blank in its name: the README's configuration and state."""
    folder = tmp_path / "my work"
    folder.mkdir()
    for file in (fixtures / "readme").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def action(workspace, tmp_path):
    """Run the action with inputs."""
    return Runner(workspace, tmp_path / "runner temp").run


@pytest.fixture
def machine(tmp_path):
    """A machine with the recorded plan of that name."""

    def made(plan):
        return Machine(tmp_path, plan)

    return made
