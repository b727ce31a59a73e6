"""A hostile checkout with modules and tools: a gate runs none of them, and its verdict is
unchanged.
"""

from __future__ import annotations

import json
import sys

import pytest
from hostile import plant, plant_configuration, ran
from pipeline import PLANS, ROOT
from runner import load
from test_make_and_jenkins import SCRIPTS

STATE = "terraform.tfstate"
DUE = {"offline": "true", "as_of": "2026-11-24"}
# These tests are about Python's imports at start-up, so they need a real start.
pytestmark = pytest.mark.started
# Variables that a careless job sets. An empty entry means the current folder.
CARELESS = {"PYTHONPATH": "", "PYTHONSTARTUP": "json.py"}


@pytest.fixture
def marks(tmp_path):
    """Return the folder for marks."""
    return tmp_path / "marks"


@pytest.mark.parametrize(
    "careless", [{}, {"PYTHONPATH": "."}, {"PYTHONPATH": ":/nowhere"}, CARELESS]
)
def test_no_step_of_the_action_imports_the_checkout(action, workspace, marks, careless):
    """No step of the action imports a module of the checkout, even with PYTHONPATH set to the
    current folder.
    """
    plant(workspace, marks)
    done = action(
        sources=STATE,
        comment="true",
        pull_request="7",
        github_token="",
        environment=careless,
        **DUE,
    )
    assert (done.code, done.outputs["verdict"], ran(marks)) == (1, "findings", []), done.log
    assert "could not be written" in done.log
    outcome = workspace / "outcome.json"
    outcome.write_bytes((workspace / done.outputs["json"]).read_bytes())
    posted = action(
        outcomes="outcome.json",
        comment="true",
        pull_request="7",
        github_token="",
        environment=careless,
    )
    assert (posted.code, ran(marks)) == (2, []), posted.log


TERRAFORM = "#!/bin/sh\necho $0 >> '{marks}/terraform'\nprintenv > '{marks}/environment'\n"


@pytest.fixture
def hostile_backend(workspace, marks, tmp_path):
    """Return the environment of a checkout whose backend starts a program, with a terraform that
    leaves a mark.
    """
    plant(workspace, marks)
    plant_configuration(workspace, marks)
    binaries = tmp_path / "binaries"
    binaries.mkdir()
    for name in ("terraform", "tofu"):
        (binaries / name).write_text(TERRAFORM.format(marks=marks))
        (binaries / name).chmod(0o755)
    return {"PATH": f"{binaries}:/usr/bin:/bin", "GITHUB_EVENT_NAME": "push"}


def test_the_actions_steps_start_nothing_for_a_hostile_backend(
    action, machine, workspace, marks, hostile_backend
):
    """The action starts no terraform for a state, a plan, or an offline folder with a hostile
    backend.
    """
    given = {"policy": "default", "config": ".", "environment": hostile_backend, **DUE}
    done = action(sources=STATE, comment="true", pull_request="7", github_token="", **given)
    assert (done.code, done.outputs["verdict"], ran(marks)) == (1, "findings", []), done.log
    (workspace / "plan.json").write_bytes(machine("single-replace").plan.read_bytes())
    done = action(sources="plan.json", **given)
    assert (done.code, ran(marks)) == (1, []), done.log
    for sources in (".", ""):
        done = action(sources=sources, **given)
        assert (done.code, done.outputs["verdict"], ran(marks)) == (2, "", []), done.log
    done = action(sources=".", recursive="true", **{**given, "config": ""})
    assert (done.code, ran(marks)) == (3, []), done.log


def test_a_scan_and_a_fork_start_nothing_for_a_hostile_backend(action, marks, hostile_backend):
    """A scan starts no terraform, and a fork's pull request must name its sources."""
    done = action(scan="true", policy="default", region="us-east-1", environment=hostile_backend)
    assert (done.code in {2, 3}, ran(marks)) == (True, []), done.log
    fork = hostile_backend | {"GITHUB_EVENT_NAME": "pull_request"}
    done = action(policy="default", policy_base="none", environment=fork)
    assert (done.code, "names its sources" in done.log, ran(marks)) == (2, True, []), done.log


def test_where_terraform_runs_in_a_hostile_folder_it_has_no_token(action, marks, hostile_backend):
    """If the action runs terraform in a folder, terraform gets no token."""
    environment = hostile_backend | {
        "GITHUB_TOKEN": "hush",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hush",
        "GH_TOKEN": "hush",
    }
    done = action(sources=".", policy="default", environment=environment)
    assert (done.code, ran(marks)) == (2, ["environment", "terraform"]), done.log
    assert "hush" not in (marks / "environment").read_text()


def test_each_python_of_the_action_is_isolated():
    """Each Python of the action is started with -I."""
    scripts = [step["run"] for step in load("action.yml")["runs"]["steps"]]
    lines = [
        line
        for script in scripts
        for line in script.splitlines()
        if '/python" ' in line or '$GATE_PYTHON" ' in line
    ]
    assert lines
    assert [
        line for line in lines if '/python" -I ' not in line and '$GATE_PYTHON" -I ' not in line
    ] == []


@pytest.mark.parametrize("plan", PLANS)
def test_a_recipe_imports_nothing_of_the_checkout(machine, marks, plan):
    """No recipe imports a module of the checkout: GitLab, Atlantis, Spacelift, Jenkins and make."""
    here = machine(plan)
    plant(here.root, marks)
    plant_configuration(here.root, marks)
    (here.root / "plan.json").write_bytes(here.plan.read_bytes())
    (here.root / "spacelift.plan").write_bytes(here.plan.read_bytes())
    code = PLANS[plan]
    template = load("docs/gates/gitlab/tfcert.gitlab-ci.yml")[".tfcert"]
    assert here.run("sh", "-c", template["script"][0], **template["variables"]).code == code
    step = load("docs/gates/atlantis/repos.yaml")["workflows"]["tfcert"]["policy_check"]["steps"][
        1
    ]["run"]
    said = here.run("sh", "-c", step, SHOWFILE="plan.json", DIR=".").said
    assert said.startswith("FAIL: tfcert stops" if code else "tfcert: passed"), said
    (hook,) = load("docs/gates/spacelift/config.yml")["stack_defaults"]["after_plan"]
    assert here.run("sh", "-c", hook).code == 0
    assert json.loads((here.root / "tfcert.custom.spacelift.json").read_text())["exit_code"] == code
    assert bool(
        here.run("make", "-f", str(ROOT / "docs/gates/make/tfcert.mk"), "gate").code
    ) == bool(code)
    planned, judged = (here.run("sh", "-xe", "-c", script) for script in SCRIPTS[:2])
    assert (planned.code, judged.code) == (0, code), judged.said
    assert ran(marks) == []


@pytest.mark.parametrize("careless", [{}, {"PYTHONPATH": "."}, {"PYTHONPATH": ":/nowhere"}])
def test_a_gitlab_job_that_installs_imports_nothing_of_the_checkout(machine, marks, careless):
    """The GitLab job creates a new virtual environment with an isolated Python, and removes an
    existing one.
    """
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
    done = here.run(
        "sh",
        "-c",
        template["script"][0],
        **{**template["variables"], "GATE_PACKAGE": "x"},
        **careless,
    )
    assert (done.code, ran(marks)) == (1, []), done.said
    assert done.calls[0].startswith("python3 -I -m venv")
    assert done.calls[1].startswith("python -I -m pip install")
