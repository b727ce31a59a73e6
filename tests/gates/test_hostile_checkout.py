"""A checkout that holds modules and tools under the names that a gate uses: nothing of it runs, and the verdict stands."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hostile import plant, plant_configuration, ran
from pipeline import PLANS, ROOT
from runner import Runner, load
from test_make_and_jenkins import SCRIPTS

STATE = "terraform.tfstate"
DUE = {"offline": "true", "as_of": "2026-11-24"}
# A variable that a careless job has; an empty entry means the current folder.
CARELESS = {"PYTHONPATH": "", "PYTHONSTARTUP": "json.py"}


@pytest.fixture
def marks(tmp_path):
    """Where what ran of the checkout is noted."""
    return tmp_path / "marks"


@pytest.mark.parametrize("careless", [{}, {"PYTHONPATH": "."}, {"PYTHONPATH": ":/nowhere"}, CARELESS])
def test_no_step_of_the_action_imports_the_checkout(action, workspace, marks, careless):
    """Every step runs in the checkout or beside it, and takes none of its modules, also where PYTHONPATH names the current folder."""
    plant(workspace, marks)
    done = action(sources=STATE, comment="true", pull_request="7", github_token="", environment=careless, **DUE)
    assert (done.code, done.outputs["verdict"], ran(marks)) == (1, "findings", []), done.log
    assert "could not be written" in done.log
    outcome = workspace / "outcome.json"
    outcome.write_bytes((workspace / done.outputs["json"]).read_bytes())
    posted = action(outcomes="outcome.json", comment="true", pull_request="7", github_token="", environment=careless)
    assert (posted.code, ran(marks)) == (2, []), posted.log


def test_the_installation_imports_nothing_of_the_checkout(workspace, marks, tmp_path):
    """The first step, with the checkout's modules in the folder where it would start, and where the runner keeps its files."""
    temp = tmp_path / "fresh"
    temp.mkdir()
    for folder in (workspace, temp):
        plant(folder, marks)
    runner = Runner(workspace, temp, seeded=False)
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=False, timeout=60)
    environment = {"PIP_CACHE_DIR": cache.stdout.strip(), "PYTHONPATH": "."} if cache.stdout.strip() else {"PYTHONPATH": "."}
    done = runner.run(sources=STATE, python=sys.executable, environment=environment, **DUE)
    assert (done.code, done.outputs["verdict"], ran(marks)) == (1, "findings", []), done.log


def test_each_python_of_the_action_is_isolated():
    """No step starts Python without -I."""
    scripts = [step["run"] for step in load("action.yml")["runs"]["steps"]]
    lines = [line for script in scripts for line in script.splitlines() if '/python" ' in line or '$GATE_PYTHON" ' in line]
    assert lines
    assert [line for line in lines if '/python" -I ' not in line and '$GATE_PYTHON" -I ' not in line] == []


@pytest.mark.parametrize("plan", PLANS)
def test_a_recipe_imports_nothing_of_the_checkout(machine, marks, plan):
    """GitLab's job, Atlantis, Spacelift, Jenkins and make, each in such a checkout: nothing runs, and each ends as it did without."""
    here = machine(plan)
    plant(here.root, marks)
    plant_configuration(here.root, marks)
    (here.root / "plan.json").write_bytes(here.plan.read_bytes())
    (here.root / "spacelift.plan").write_bytes(here.plan.read_bytes())
    code = PLANS[plan]
    template = load("docs/gates/gitlab/tfcert.gitlab-ci.yml")[".tfcert"]
    assert here.run("sh", "-c", template["script"][0], **template["variables"]).code == code
    step = load("docs/gates/atlantis/repos.yaml")["workflows"]["tfcert"]["policy_check"]["steps"][1]["run"]
    said = here.run("sh", "-c", step, SHOWFILE="plan.json", DIR=".").said
    assert said.startswith("FAIL: tfcert stops" if code else "tfcert: passed"), said
    (hook,) = load("docs/gates/spacelift/config.yml")["stack_defaults"]["after_plan"]
    assert here.run("sh", "-c", hook).code == 0
    assert json.loads((here.root / "tfcert.custom.spacelift.json").read_text())["exit_code"] == code
    assert bool(here.run("make", "-f", str(ROOT / "docs/gates/make/tfcert.mk"), "gate").code) == bool(code)
    planned, judged = (here.run("sh", "-xe", "-c", script) for script in SCRIPTS[:2])
    assert (planned.code, judged.code) == (0, code), judged.said
    assert ran(marks) == []


@pytest.mark.parametrize("careless", [{}, {"PYTHONPATH": "."}, {"PYTHONPATH": ":/nowhere"}])
def test_a_gitlab_job_that_installs_imports_nothing_of_the_checkout(machine, marks, careless):
    """The virtual environment is made by an isolated Python, from nothing: what the checkout has in its place is removed."""
    here = machine("single-replace")
    plant(here.root, marks)
    site = here.root / ".tfcert-venv/lib/python3/site-packages"
    site.mkdir(parents=True)
    (site / "evil.pth").write_bytes((here.root / "evil.pth").read_bytes())
    here.command(
        "python3",
        f'#!/bin/sh\necho "python3 $*" >> "$CALLS"\nif [ "$1" != -I ]; then exec {sys.executable} "$@"; fi\n'
        f'[ ! -e .tfcert-venv ] || echo kept >> "$CALLS"\nmkdir -p .tfcert-venv/bin\n'
        f'cp "{here.binaries}/tfcert" .tfcert-venv/bin/tfcert\nprintf \'#!/bin/sh\\necho "python $*" >> "$CALLS"\\n\' > .tfcert-venv/bin/python\n'
        "chmod +x .tfcert-venv/bin/python\n",
    )
    (here.root / "plan.json").write_bytes(here.plan.read_bytes())
    template = load("docs/gates/gitlab/tfcert.gitlab-ci.yml")[".tfcert"]
    done = here.run("sh", "-c", template["script"][0], **{**template["variables"], "GATE_PACKAGE": "x"}, **careless)
    assert (done.code, ran(marks)) == (1, []), done.said
    assert done.calls[0].startswith("python3 -I -m venv")
    assert done.calls[1].startswith("python -I -m pip install")
