"""The workflow and the GitLab job that run `tfcert propose`: permissions, tokens and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runner import ROOT, load

WORKFLOW = "docs/gates/github/propose.yml"
TEMPLATE = "docs/gates/gitlab/tfcert-propose.gitlab-ci.yml"
STEPS = load(WORKFLOW)["jobs"]["propose"]["steps"]
JOB = load(TEMPLATE)[".tfcert-propose"]


def step(name):
    (found,) = [each for each in STEPS if each.get("name") == name]
    return found


def program(path, text):
    """Put a shell script in the place of a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_the_app_token_has_least_permissions_and_one_step():
    """The job's own token only reads; the App's token has the two permissions, and only the last step gets it."""
    workflow = load(WORKFLOW)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["propose"]["permissions"] == {"contents": "read", "id-token": "write"}
    (app,) = [each for each in STEPS if each.get("id") == "app"]
    granted = {key: value for key, value in app["with"].items() if key.startswith("permission-")}
    assert granted == {"permission-contents": "write", "permission-pull-requests": "write"}
    using = [each for each in STEPS if "steps.app.outputs.token" in json.dumps(each)]
    assert using == [step("Propose")] == STEPS[-1:]
    assert step("Propose")["env"] == {"GITHUB_TOKEN": "${{ steps.app.outputs.token }}"}
    assert "continue-on-error" not in json.dumps(workflow)
    for each in STEPS:
        if each.get("uses", "").startswith("actions/checkout@"):
            assert each["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("code", [0, 2, 3])
def test_the_run_ends_with_the_code_of_propose(tmp_path, code):
    """On GitHub and on GitLab; a blocked rotation is seen as a failed run."""
    program(tmp_path / "tfcert/bin/tfcert", f'echo "$@"; exit {code}')
    env = {"PATH": f"{tmp_path}/tfcert/bin:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-e", "-c", step("Propose")["run"]],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (code, "propose github --recursive\n")
    (script,) = JOB["script"]
    here = tmp_path / "checkout"
    here.mkdir()
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=here,
        env={**env, **JOB["variables"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (
        code,
        "propose gitlab --recursive --tool terraform\n",
    )
    assert "allow_failure" not in JOB


@pytest.mark.parametrize("failing", [False, True])
def test_every_root_module_is_initialised_first(tmp_path, failing):
    """Each folder with a lock file, also one with a space; one that fails stops the run before anything is proposed."""
    for folder in ("live/orders", "live/other team", "live/orders/.terraform/modules/x"):
        (tmp_path / "checkout" / folder).mkdir(parents=True)
        (tmp_path / "checkout" / folder / ".terraform.lock.hcl").touch()
    program(tmp_path / "bin/terraform", f'echo "$1"; exit {int(failing)}')
    program(tmp_path / "bin/tfcert", "echo proposed")
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path)}
    (script,) = JOB["script"]
    for shell, text, more in (
        ("bash", step("Init")["run"], {}),
        ("sh", script, JOB["variables"]),
    ):
        done = subprocess.run(
            [shell, "-c", text],
            cwd=tmp_path / "checkout",
            env={**env, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        inits = [line for line in done.stdout.splitlines() if line.startswith("-chdir=")]
        assert sorted(inits) == ["-chdir=./live/orders", "-chdir=./live/other team"]
        assert bool(done.returncode) == failing
        assert ("proposed" in done.stdout) == (shell == "sh" and not failing)


def test_gitlab_reads_the_template():
    """GitLab's own schema takes it, and it runs on a schedule alone."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.gitlab-ci",
            "--data-transform",
            "gitlab-ci",
            str(Path(ROOT, TEMPLATE)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert [each["if"] for each in JOB["rules"]] == [
        '$CI_PIPELINE_SOURCE == "schedule" && $GATE_PROPOSE == "true"'
    ]
