"""All shell scripts of the gates: valid, and without foreign text."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml
from runner import EXPRESSION, ROOT

GATES = ROOT / "docs/gates"


def scripts():
    """Yield each script with its file: GitHub, GitLab, Spacelift, Atlantis and Jenkins."""
    files = [ROOT / "action.yml", *sorted(path for path in GATES.rglob("*.y*ml"))]
    for path in files:
        yield from (
            (path.name, text)
            for text in _found(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))
        )
    jenkinsfile = (GATES / "jenkins/Jenkinsfile").read_text(encoding="utf-8")
    yield from (
        ("Jenkinsfile", text)
        for text in re.findall(r"sh (?:'''(.*?)'''|'([^']*)')", jenkinsfile, re.DOTALL)
    )


def _found(node):
    match node:
        case dict():
            for key, value in node.items():
                if key in {"run", "script", "after_plan"}:
                    yield from [value] if isinstance(value, str) else value
                else:
                    yield from _found(value)
        case list():
            for each in node:
                yield from _found(each)


SCRIPTS = [(name, text if isinstance(text, str) else "".join(text)) for name, text in scripts()]


@pytest.mark.parametrize(("name", "script"), SCRIPTS, ids=[name for name, _ in SCRIPTS])
def test_a_script_is_shell_without_foreign_text(name, script):
    """Each script is valid for `bash -n`, without runner expressions, `eval` or `|| true`."""
    done = subprocess.run(
        ["bash", "-n"], input=script, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not EXPRESSION.search(script)
    assert not re.search(r"\beval\b|\|\| true", script)


def test_every_file_is_in_the_index_and_every_tool_has_a_test():
    """docs/gates.md links each file of docs/gates."""
    index = (ROOT / "docs/gates.md").read_text(encoding="utf-8")
    assert list(GATES.rglob("*"))
    for path in GATES.rglob("*"):
        assert path.is_dir() or f"(gates/{path.relative_to(GATES)})" in index, path
    assert len(SCRIPTS) >= 12
