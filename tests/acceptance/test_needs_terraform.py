"""The mark `needs_terraform` in a run of `make matrix`: it is true, or the run fails."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matrix
import pytest
from rig.needing import EXPECTED, FEATURES
from rig.processes import run

HERE = Path(__file__).parent
CONFTEST = """
import pytest
from rig import equipment, needing

def pytest_configure(config):
    config.pluginmanager.register(needing)
    config.addinivalue_line("markers", "needs_terraform(*features)")

@pytest.fixture(params=equipment.binaries(), ids=str)
def tool(request):
    return request.param
"""
TESTS = """
import pytest

REFUSED = 'Error: Blocks of type "import" are not expected here.'

@pytest.fixture
def refused(tool):
    raise AssertionError(REFUSED)

@pytest.mark.needs_terraform("import blocks")
def test_fails_by_what_is_lacking(tool):
    raise AssertionError(REFUSED)

@pytest.mark.needs_terraform("moved blocks", "import blocks")
def test_does_not_begin_by_what_is_lacking(refused):
    pass

@pytest.mark.needs_terraform("import blocks")
def test_passes(tool):
    pass

@pytest.mark.needs_terraform("import blocks")
def test_fails_by_something_else(tool):
    assert 1 + 1 == 3

@pytest.mark.needs_terraform("moved blocks")
def test_fails_by_what_is_there(tool):
    raise AssertionError(REFUSED)

def test_has_no_mark(tool):
    raise AssertionError(REFUSED)
"""
FAILING = ["fails_by_something_else", "fails_by_what_is_there", "has_no_mark", "passes"]


@pytest.fixture
def result(tmp_path):
    """Return a function that runs the tests above with a terraform of version 1.4.6."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_marked.py").write_text(TESTS)
    terraform = tmp_path / "bin" / "terraform"
    terraform.parent.mkdir()
    terraform.write_text("""#!/bin/sh\necho '{"terraform_version": "1.4.6"}'\n""")
    terraform.chmod(0o755)

    def carried_out(**variables):
        report = tmp_path / "report.xml"
        options = ("-p", "no:cacheprovider", "-p", "no:xdist", f"--junit-xml={report}")
        path = os.pathsep.join(map(str, (HERE, HERE.parent, HERE.parent / "servers")))
        ended = run(
            [sys.executable, "-m", "pytest", "-q", *options, str(tmp_path)],
            folder=tmp_path,
            environment={"PATH": str(terraform.parent), "PYTHONPATH": path, **variables},
        )
        assert report.exists(), str(ended)
        return matrix.numbers(report, ended.code)

    return carried_out


def test_only_a_failure_that_names_what_is_lacking_is_expected(result):
    """A marked test that passes, or fails by something else, fails the run."""
    found = result(**{EXPECTED: "1"})
    assert not found.passed
    assert found.line.startswith("0 passed, 4 failed, 2 failed as expected, 0 skipped")
    assert found.more[0] == "failed as expected, 2: needs Terraform 1.5 (import blocks)"
    assert [each.partition("::test_")[2].partition("[")[0] for each in found.more[1:]] == FAILING


def test_without_the_variable_of_the_matrix_no_failure_is_expected(result):
    """In CI a marked test runs as any other, whatever the version."""
    found = result()
    assert found.line.startswith("1 passed, 5 failed, 0 failed as expected, 0 skipped")


def test_every_feature_that_a_test_names_is_known():
    """Each mark in this folder names features of the table, and each of these is named."""
    texts = "".join(
        file.read_text() for file in sorted(HERE.glob("test_*.py")) if file != Path(__file__)
    )
    named = {
        name
        for line in texts.splitlines()
        if line.strip().startswith("@pytest.mark.needs_terraform(")
        for name in line.partition("(")[2].rpartition(")")[0].replace('"', "").split(", ")
    }
    assert named == set(FEATURES)
