"""The action installs itself once, and imports nothing of a hostile checkout."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hostile import plant, ran
from runner import ROOT, Runner

STATE = "terraform.tfstate"
DUE = {"offline": "true", "as_of": "2026-11-24"}
CLEAN = {"offline": "true", "as_of": "2026-01-10"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a runner whose action installed itself in a hostile checkout, the marks, and the
    result.

    The installation takes longer than all other tests of the gates, so it runs once.
    """
    home = tmp_path_factory.mktemp("installation")
    workspace, temp, marks = home / "my work", home / "fresh", home / "marks"
    for folder in (workspace, temp):
        folder.mkdir()
        # Hostile modules are in the step's folder and in the folder of the runner's files.
        plant(folder, marks)
    for file in (ROOT / "fixtures" / "readme").iterdir():
        (workspace / file.name).write_bytes(file.read_bytes())
    runner = Runner(workspace, temp, seeded=False)
    cache = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout.strip()
    # Modules are compiled when they run, which is faster than compiling all at installation.
    environment = {"PIP_NO_COMPILE": "1", "PYTHONPATH": "."}
    if cache:
        environment["PIP_CACHE_DIR"] = cache
    first = runner.run(sources=STATE, python=sys.executable, environment=environment, **DUE)
    return runner, marks, first


def test_the_installation_imports_nothing_of_the_checkout(installed):
    """The installation imports no module of the checkout or of the runner's folder."""
    _, marks, first = installed
    assert (first.code, first.outputs["verdict"], ran(marks)) == (1, "findings", []), first.log


def test_it_installs_itself(installed):
    """The first step installs the action's own code, and the second uses that installation."""
    runner, marks, first = installed
    assert first.code == 1, first.log
    (command,) = runner.temp.glob("tfcert-*/bin/tfcert")
    assert command.resolve() != (ROOT / ".venv/bin/tfcert").resolve()
    second = runner.run(sources=STATE, python="no-such-python", **CLEAN)
    assert (second.code, second.outputs["verdict"], ran(marks)) == (0, "clean", []), second.log
