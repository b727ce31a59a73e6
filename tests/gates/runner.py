"""A stand-in for GitHub's runner: it runs a composite action's steps in bash with its files and
variables.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
# The action in a workflow; `make owner` writes its owner.
THE_ACTION = re.compile(r"[\w-]+/tfcert@")
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
# The PATH of a runner, without the machine's terraform and credentials.
PATH = "/usr/bin:/bin"


def load(path):
    """Load a YAML file with each scalar as text, also `on` and `false`."""
    return yaml.load((ROOT / path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


class Ran(NamedTuple):
    """The result of an action: exit code, outputs, log and summary."""

    code: int
    outputs: dict[str, str]
    log: str
    summary: str

    def obeyed(self):
        """Return the workflow commands in the log that the runner obeys, without those between
        stop-commands.
        """
        obeyed, pause = [], None
        for line in self.log.splitlines():
            text = line.strip()
            if pause is not None:
                pause = None if text == f"::{pause}::" else pause
            elif text.startswith("::stop-commands::"):
                pause = text.removeprefix("::stop-commands::")
            elif text.startswith("::"):
                obeyed.append(text)
        assert pause is None, "the runner was never told to obey again"
        return obeyed


def _outputs(path):
    """Return the name=value lines of GITHUB_OUTPUT; other lines are invalid."""
    pairs = [line.partition("=") for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(equals for _, equals, _ in pairs), path.read_text(encoding="utf-8")
    return {name: value for name, _, value in pairs}


class Runner:
    """Run this repository's composite action in a folder."""

    def __init__(self, workspace, temp, *, seeded=True, tfcert=None):
        """Create a runner; with `seeded`, tfcert is already installed, as in a job's second step.

        `tfcert` is the command that replaces the installed one.
        """
        self.workspace, self.temp = workspace, temp
        self.action = load("action.yml")
        temp.mkdir(exist_ok=True)
        if seeded:
            sum_ = subprocess.run(
                ["cksum"], input=str(ROOT).encode(), capture_output=True, check=True, timeout=60
            ).stdout
            venv = temp / f"tfcert-{sum_.split()[0].decode()}"
            if tfcert is None:
                venv.symlink_to(Path(sys.executable).parents[1])
            else:
                _stand_in(venv, tfcert)

    def run(self, *, environment=None, **given):
        """Run each step until one fails; in the names of inputs `_` means `-`."""
        inputs = {name: entry.get("default", "") for name, entry in self.action["inputs"].items()}
        for name, text in given.items():
            assert name.replace("_", "-") in inputs, name
            inputs[name.replace("_", "-")] = text
        summary = self.temp / "summary.md"
        summary.write_text("before\n", encoding="utf-8")
        steps, log, code = {}, "", 0
        for step in self.action["runs"]["steps"]:
            known = {
                "inputs": inputs,
                "steps": steps,
                "github": {"token": "not-a-token"},
                "runner": {"temp": str(self.temp)},
            }
            if "if" in step and not _holds(step["if"], known):
                continue
            done, outputs = self._step(step, known, summary, environment or {})
            steps[step.get("id", step["name"])], log, code = (
                outputs,
                log + done.stdout,
                done.returncode,
            )
            if code:
                break
        known = {"inputs": inputs, "steps": steps}
        return Ran(
            code=code,
            outputs={
                name: _filled(entry["value"], known)
                for name, entry in self.action["outputs"].items()
            },
            log=log,
            summary=summary.read_text(encoding="utf-8").removeprefix("before\n"),
        )

    def _step(self, step, known, summary, environment):
        assert step["shell"] == "bash"
        script = self.temp / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        outputs = self.temp / "outputs.txt"
        outputs.write_text("", encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace / _filled(step.get("working-directory", "."), known),
            env={
                "PATH": PATH,
                "HOME": str(self.temp),
                "AWS_EC2_METADATA_DISABLED": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(self.temp),
                **{key: os.environ[key] for key in ("XDG_CACHE_HOME",) if key in os.environ},
                **{name: _filled(text, known) for name, text in step.get("env", {}).items()},
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        return done, _outputs(outputs)


def _stand_in(venv, tfcert):
    """Create the action's virtual environment with the Python of the tests and this
    tfcert command.
    """
    (venv / "bin").mkdir(parents=True)
    (venv / ".ready").touch()
    (venv / "bin/python").symlink_to(Path(sys.executable).resolve())
    (venv / "bin/tfcert").write_text(f'#!/bin/sh\nexec {tfcert} "$@"\n', encoding="utf-8")
    (venv / "bin/tfcert").chmod(0o755)


def _filled(text, known):
    return EXPRESSION.sub(lambda match: _value(match[1], known), text)


def _value(expression, known):
    """Return the value of an expression; an output of a skipped step is empty."""
    match expression.split("."):
        case ["steps", step, "outputs", name]:
            return known["steps"].get(step, {}).get(name, "")
        case [context, name]:
            return known[context][name]
    raise AssertionError(expression)


def _holds(condition, known):
    """Return whether a condition is true. It compares contexts with literals, joined by `||`."""
    comparisons = [
        re.fullmatch(r"(\S+) (==|!=) '([^']*)'", part.strip()).groups()
        for part in condition.split("||")
    ]
    return any(
        (_value(left, known) == right) == (operator == "==")
        for left, operator, right in comparisons
    )
