"""The acceptance tests: real terraform or tofu, the real AWS provider, the emulator, and tfcert as a person types it."""

from __future__ import annotations

import pytest
from rig import announcing, equipment

from checker.demo.emulator import Emulator


def pytest_configure(config):
    """Take part in the run's last lines; xdist's marker is known without xdist too."""
    announcing.register(config)
    config.addinivalue_line("markers", "xdist_group(name): tests that one worker runs")


@pytest.fixture(scope="session")
def mirror():
    """The folder that mirrors the provider, looked for once."""
    return equipment.mirror()


@pytest.fixture(
    scope="module",
    params=[pytest.param(binary, id=binary.name) for binary in equipment.binaries()]
    or [pytest.param(None, id="no-tool")],
)
def tool(request, mirror, tmp_path_factory):
    """Each binary of the machine, with its provider; without them the test is skipped, and the run says so."""
    if request.param is None:
        pytest.skip(equipment.NO_TOOL)
    equipped = equipment.equip(request.param, mirror, tmp_path_factory.mktemp("registry"))
    if equipped is None:
        pytest.skip(equipment.NO_PROVIDER)
    return equipped


@pytest.fixture(scope="module")
def aws(tool):
    """An AWS for the scenarios of one module, empty at its start; one at a time in a process."""
    with Emulator() as running:
        yield running
