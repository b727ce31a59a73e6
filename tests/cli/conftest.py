"""One emulator a test module, emptied before each test, for the tests of the command line that ask AWS."""

from __future__ import annotations

import pytest

from checker.demo.emulator import Emulator


@pytest.fixture(scope="module")
def running():
    with Emulator() as aws:
        yield aws


@pytest.fixture
def aws(running):
    running.reset()
    return running
