"""The papers that a security team reads name tests and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^\|(?P<attack>[^|]+)\|(?P<prevention>[^|]+)\|(?P<test>[^|]+)\|$", re.MULTILINE)
_DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def _rows():
    text = TOP.joinpath("docs", "threat-model.md").read_text()
    rows = [found.groups() for found in _ROW.finditer(text)]
    return [row for row in rows if row[0].strip() not in {"attack", "---"}]


@pytest.fixture(scope="module")
def defined():
    """The names of all test functions."""
    files = TOP.joinpath("tests").rglob("test_*.py")
    return {name for file in files for name in _DEFINED.findall(file.read_text())}


def test_each_attack_names_tests_that_exist(defined):
    """Each row of the threat model names a test function or a test file of this repository."""
    rows = _rows()
    assert len(rows) > 15
    for attack, prevention, tests in rows:
        assert attack.strip()
        assert prevention.strip()
        named = re.findall(r"`([^`]+)`", tests)
        assert named, f"no test for: {attack}"
        for name in named:
            found = TOP.joinpath(name).is_file() if "/" in name else name in defined
            assert found, f"{name} does not exist"


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/threat-model.md", "docs/reach.md"])
def test_each_link_of_a_paper_leads_to_a_file(page):
    """A relative link names a file of the repository."""
    file = TOP / page
    for target in re.findall(r"\]\(([^)#]+)", file.read_text()):
        assert file.parent.joinpath(target).exists(), f"{page}: {target}"
    for name in re.findall(r"`(policies/[\w./-]+)`", file.read_text()):
        assert TOP.joinpath(name).exists(), f"{page}: {name}"


def test_the_licence_is_whole_and_declared():
    """The licence is Apache-2.0, in the file, in the notice and in the package's metadata."""
    licence = TOP.joinpath("LICENSE").read_text()
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "Apache License, Version 2.0" in TOP.joinpath("NOTICE").read_text()
    assert 'license = "Apache-2.0"' in TOP.joinpath("pyproject.toml").read_text()
