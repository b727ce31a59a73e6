"""Acceptance tests: real terraform or tofu, the real AWS provider, the emulator, and tfcert on the
command line.
"""

from __future__ import annotations

import pytest
from rig import announcing, equipment, needing

from checker.demo.emulator import Emulator


def pytest_configure(config):
    """Report missing tools at the end of the run, and define the markers."""
    announcing.register(config)
    config.pluginmanager.register(needing, "tfcert-needs-terraform")
    config.addinivalue_line(
        "markers", "needs_terraform(*features): features that an older Terraform lacks"
    )
    config.addinivalue_line("markers", "xdist_group(name): tests that one worker runs")


@pytest.fixture(scope="session")
def mirror():
    """Return the folder that mirrors the provider."""
    return equipment.mirror()


@pytest.fixture(
    scope="module",
    params=[pytest.param(binary, id=binary.name) for binary in equipment.binaries()]
    or [pytest.param(None, id="no-tool")],
)
def tool(request, mirror, tmp_path_factory):
    """Return each installed tool with its provider, or skip the test."""
    if request.param is None:
        pytest.skip(equipment.NO_TOOL)
    equipped = equipment.equip(request.param, mirror, tmp_path_factory.mktemp("registry"))
    if equipped is None:
        pytest.skip(equipment.NO_PROVIDER)
    return equipped


@pytest.fixture(scope="module")
def aws(tool):
    """Return an empty AWS for the scenarios of one module."""
    with Emulator() as running:
        yield running
