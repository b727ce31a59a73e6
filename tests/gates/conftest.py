"""What the tests of the gates share."""

from __future__ import annotations

import pytest
from pipeline import STARTED, Machine
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
def called(request):
    """What a gate's script calls: tfcert in the process that forks, or None for the installed command.

    A test of the start itself (what Python imports in a hostile checkout) is marked `started`, or its module is.
    """
    started = request.node.get_closest_marker("started") is not None
    return None if started else request.getfixturevalue("forking").command()


@pytest.fixture
def action(workspace, tmp_path, called):
    """Run the action with inputs."""
    return Runner(workspace, tmp_path / "runner temp", tfcert=called).run


@pytest.fixture
def machine(tmp_path, called):
    """A machine with the recorded plan of that name."""

    def made(plan):
        return Machine(tmp_path, plan, called or STARTED)

    return made
