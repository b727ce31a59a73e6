"""The example workflows for GitHub: valid, audited, and with tested shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runner import EXPRESSION, ROOT, THE_ACTION, load

FOLDER = ROOT / "docs/gates/github"
WORKFLOWS = sorted(path.name for path in FOLDER.iterdir())
# It runs another command than the action does.
PROPOSE = "propose.yml"
ACTION = load("action.yml")


def steps(name):
    """Return each step of a workflow."""
    return [
        step for job in load(f"docs/gates/github/{name}")["jobs"].values() for step in job["steps"]
    ]


def test_github_reads_them():
    """The action and each workflow are valid by GitHub's schemas."""
    for schema, files in (
        ("github-actions", [ROOT / "action.yml"]),
        ("github-workflows", [FOLDER / name for name in WORKFLOWS]),
    ):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "check_jsonschema",
                "--builtin-schema",
                f"vendor.{schema}",
                *map(str, files),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout


def test_an_auditor_finds_nothing_but_names_of_versions():
    """zizmor finds only unpinned versions in the workflows, and nothing in the action and hooks."""
    zizmor = Path(sys.executable).parent / "zizmor"
    files = [
        ROOT / "action.yml",
        ROOT / ".pre-commit-hooks.yaml",
        *(FOLDER / name for name in WORKFLOWS),
    ]
    done = subprocess.run(
        [
            zizmor,
            "--offline",
            "--no-config",
            "--strict-collection",
            "--quiet",
            "--format",
            "json",
            *files,
        ],
        capture_output=True,
        check=False,
        timeout=120,
    )
    found = json.loads(done.stdout)
    assert {finding["ident"] for finding in found} == {"unpinned-uses"}
    assert all("docs/gates/github" in json.dumps(finding["locations"]) for finding in found)


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if name != PROPOSE])
def test_the_action_is_used_as_it_is(name):
    """Each workflow uses existing inputs and outputs of the action, with a time limit and few
    permissions.
    """
    workflow = load(f"docs/gates/github/{name}")
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert int(job["timeout-minutes"]) <= 30
        assert set(job["permissions"].values()) <= {"read", "write"}
        (used,) = [step for step in job["steps"] if THE_ACTION.match(step.get("uses", ""))]
        assert set(used["with"]) <= set(ACTION["inputs"])
        outputs = {
            found.split(".")[-1]
            for found in EXPRESSION.findall(json.dumps(job))
            if found.startswith("steps.tfcert.outputs.")
        }
        assert outputs <= set(ACTION["outputs"])
        assert "continue-on-error" not in json.dumps(job)
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"


def test_a_root_module_that_failed_fails_the_whole():
    """The final job succeeds only if each root module's job succeeded."""
    every = load("docs/gates/github/workspaces.yml")["jobs"]["every"]
    assert (every["if"], every["needs"], every["steps"][-1]["if"]) == (
        "always()",
        "check",
        "always()",
    )
    for result, code in (("success", 0), ("failure", 1), ("cancelled", 1), ("skipped", 1), ("", 1)):
        done = subprocess.run(
            ["bash", "-e", "-c", every["steps"][-1]["run"]],
            env={"RESULT": result},
            check=False,
            timeout=60,
        )
        assert done.returncode == code, result


def test_what_a_fork_controls_has_no_rights():
    """The fork's workflow can only read, and the one that writes checks nothing out."""
    check, comment = (
        load("docs/gates/github/fork-check.yml"),
        load("docs/gates/github/fork-comment.yml"),
    )
    assert check["jobs"]["fork"]["permissions"] == {"contents": "read"}
    assert "secrets." not in json.dumps(check)
    assert comment["jobs"]["comment"]["permissions"] == {
        "actions": "read",
        "pull-requests": "write",
    }
    assert comment["on"]["workflow_run"]["workflows"] == [check["name"]]
    assert not any(
        step.get("uses", "").startswith("actions/checkout@") for step in steps("fork-comment.yml")
    )
    assert "github.event.workflow_run.event == 'pull_request'" in comment["jobs"]["comment"]["if"]


def test_the_required_check_is_never_skipped():
    """The required job has no condition and no path filter, because GitHub counts a skipped check
    as passed.
    """
    for name, job in (("pull-request.yml", "certificates"), ("workspaces.yml", "every")):
        workflow = load(f"docs/gates/github/{name}")
        assert workflow["on"] == "pull_request"
        assert workflow["jobs"][job].get("if", "always()") == "always()"
    assert (
        load("docs/gates/github/pull-request.yml")["jobs"]["certificates"]["name"] == "certificates"
    )


@pytest.fixture
def guard(tmp_path):
    """Return a function that runs the step that inspects the artifact."""
    (script,) = [step["run"] for step in steps("fork-comment.yml") if "run" in step]
    folder = tmp_path / "untrusted"
    folder.mkdir()

    def run():
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            env={"PATH": "/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).returncode

    return folder, run


def test_the_artifact_is_one_small_file(guard):
    """The artifact is accepted only if it is a single small file outcome.json."""
    folder, run = guard
    assert run() == 1
    (folder / "outcome.json").write_text("{}")
    assert run() == 0
    (folder / "more").mkdir()
    assert run() == 1
    (folder / "more").rmdir()
    with (folder / "outcome.json").open("r+b") as file:
        os.truncate(file.fileno(), 10_000_001)
    assert run() == 1
    (folder / "outcome.json").unlink()
    (folder / "outcome.json").symlink_to("/etc/hostname")
    assert run() == 1


@pytest.mark.parametrize("name", ["pull-request.yml", "workspaces.yml"])
def test_the_plan_is_judged_where_it_lies(machine, name):
    """The plan step writes the source that the action reads, inside terraform's own folder."""
    job = next(iter(load(f"docs/gates/github/{name}")["jobs"].values()))
    (script,) = [step["run"] for step in job["steps"] if "run" in step]
    (given,) = [
        step["with"]["sources"] for step in job["steps"] if THE_ACTION.match(step.get("uses", ""))
    ]
    here = machine("shared-2-repoint")
    (here.root / ".terraform").mkdir(exist_ok=True)
    here.command(
        "terraform",
        '#!/bin/sh\n[ "$1" != plan ] || cp "$PLANNED" "$4"\n[ "$1" != show ] || cat "$3"\n',
    )
    before = sorted(here.root.iterdir())
    assert here.run("bash", "-e", "-c", script).code == 0
    assert sorted(here.root.iterdir()) == before
    assert Path(given).parts[0] == ".terraform"
    assert (here.root / given).read_bytes() == here.plan.read_bytes()
