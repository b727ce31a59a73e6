"""Fixtures of the tests of gates."""

from __future__ import annotations

import pytest
from pipeline import STARTED, Machine
from runner import Runner


@pytest.fixture
def workspace(tmp_path, fixtures):
    """Return a checkout with a blank in its name, with the README's configuration and state."""
    folder = tmp_path / "my work"
    folder.mkdir()
    for file in (fixtures / "readme").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def called(request):
    """Return the command that replaces tfcert in a gate's script, or None for the installed one.

    The command runs in a forked process. A test or module marked `started` uses the installed
    command, for example to test the imports in a hostile checkout.
    """
    started = request.node.get_closest_marker("started") is not None
    return None if started else request.getfixturevalue("forking").command()


@pytest.fixture
def action(workspace, tmp_path, called):
    """Return a function that runs the action with inputs."""
    return Runner(workspace, tmp_path / "runner temp", tfcert=called).run


@pytest.fixture
def machine(tmp_path, called):
    """Return a function that creates a machine with a recorded plan."""

    def made(plan):
        return Machine(tmp_path, plan, called or STARTED)

    return made
