"""The recipes of CONTRIBUTING.md are followed step by step in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPES = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def copied(tmp_path, fixtures):
    """Return a function that runs tfcert from a copy of the package, in the folder of the README's
    configuration.
    """
    shutil.copytree(
        ROOT / "checker", tmp_path / "checker", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "policies").symlink_to(ROOT / "policies")

    def run(*arguments):
        environment = {
            "PATH": "",
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join((str(tmp_path), *filter(None, sys.path))),
        }
        command = [sys.executable, "-c", "from checker.cli import main; main()", *arguments]
        return subprocess.run(
            command,
            cwd=fixtures / "readme",
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )

    return run


def recipe(heading):
    """Return the steps under a heading as one text, and the names that it has in backticks."""
    text = RECIPES.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return text, set(re.findall(r"`([^`\n]+)`", text))


def edit(path, before, after):
    """Insert a text into a file before another text that the file contains."""
    text = path.read_text(encoding="utf-8")
    assert before in text, (path, before)
    path.write_text(text.replace(before, after + before, 1), encoding="utf-8")


def test_a_format_is_a_file_and_a_line(copied, tmp_path):
    """A new module's `render` is found by its line in FORMATS, alone and beside others, and is
    suggested for a misspelt name.
    """
    _, named = recipe("Add a format")
    assert {"render(outcome) -> str", "FORMATS", "checker/reports/__init__.py", "READ"} <= named
    (tmp_path / "checker/reports/shout.py").write_text(
        "def render(outcome):\n    return str(outcome.verdict).upper() + '!\\n'\n", encoding="utf-8"
    )
    edit(
        tmp_path / "checker/reports/__init__.py",
        '    "text": Format("text"),\n',
        '    "shout": Format("shout"),\n',
    )
    base = ("check", "terraform.tfstate", "--offline", "--as-of", "2026-11-24", "--format")
    assert copied(*base, "shout").stdout == b"FINDINGS!\n"
    assert copied(*base, "json", "--format", f"shout={tmp_path / 'out'}").returncode == 1
    assert (tmp_path / "out").read_text() == "FINDINGS!\n"
    assert b"did you mean 'shout'?" in copied(*base, "shoot").stderr


def test_a_rule_is_a_file_and_a_line(copied, tmp_path):
    """A rule copied from the recipe's example is listed, has a page, and reports a finding."""
    text, named = recipe("Add a rule")
    assert {"stage_detached.py", "RULES", "checker/rules/__init__.py", "make docs"} <= named
    assert [
        heading
        for heading in ("Why", "Example", "How to fix", "How to exempt", "Source")
        if heading not in text
    ] == []
    rules = tmp_path / "checker/rules"
    source = (rules / "stage_detached.py").read_text(encoding="utf-8")
    check = source.index("def check("), source.index("RULE = Rule(")
    found = (
        "def check(cases):\n"
        "    for document in cases.documents:\n"
        "        for stage in document.document.stages:\n"
        "            yield Finding(\n"
        "                rule=RULE.name, severity=RULE.severity, message='a stage is there', remedy='nothing',\n"
        "                address=str(stage.address), source=document.document.source.path,\n"
        "            )\n\n\n"
    )
    (rules / "stage_there.py").write_text(
        (source[: check[0]] + found + source[check[1] :]).replace("stage-detached", "stage-there"),
        encoding="utf-8",
    )
    edit(rules / "__init__.py", "    stage_detached,\n", "    stage_there,\n")
    edit(rules / "__init__.py", "    stage_detached.RULE,\n", "    stage_there.RULE,\n")
    assert b"stage-there" in copied("rules").stdout
    assert copied("rules", "stage-there").stdout.startswith(b"# stage-there\n")
    told = copied("check", "terraform.tfstate", "--offline", "--as-of", "2026-01-24")
    assert (told.returncode, told.stdout.count(b"error: stage-there")) == (1, 3)
