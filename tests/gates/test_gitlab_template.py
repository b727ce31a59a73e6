"""The GitLab template's script, in the shell of a slim image and in bash."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from pipeline import PLANS, ROOT
from runner import load

TEMPLATE = "docs/gates/gitlab/tfcert.gitlab-ci.yml"
JOB = load(TEMPLATE)[".tfcert"]


@pytest.fixture
def job(machine):
    """Return a function that runs the job's script with variables after a plan job."""

    def run(plan, *, shell="sh", planned=True, offline=True, **variables):
        here = machine(plan)
        if planned:
            (here.root / "plan.json").write_bytes(here.plan.read_bytes())
        (script,) = JOB["script"]
        return here, here.run(
            shell, "-c", script, offline=offline, **{**JOB["variables"], **variables}
        )

    return run


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("plan", PLANS)
def test_the_job_fails_as_tfcert_does(job, plan, shell):
    """The job's exit code is tfcert's, and its reports are written in each case."""
    here, done = job(plan, shell=shell)
    assert done.code == PLANS[plan], done.said
    assert (
        json.loads((here.root / "tfcert-reports/outcome.json").read_text())["schema"]
        == "tfcert.outcome/v1"
    )
    for kind, path in JOB["artifacts"]["reports"].items():
        text = (here.root / path).read_text()
        assert text.startswith("<?xml") if kind == "junit" else isinstance(json.loads(text), list)


def test_i4_what_could_not_be_checked_fails_the_job(job):
    """I4: an inconclusive check fails the job, and the template never allows a failure."""
    _, done = job("shared-2-repoint", offline=False)
    assert done.code == 3
    assert "allow_failure" not in JOB


def test_without_a_plan_the_job_fails(job):
    """Without plan.json the job fails with exit code 2."""
    assert job("shared-2-repoint", planned=False)[1].code == 2


def test_variables_arrive_as_they_are(job):
    """Each variable becomes one option, sources are lines, and hostile text is never executed."""
    here, done = job(
        "shared-2-repoint",
        GATE_EXPECT="repoint",
        GATE_OFFLINE="true",
        GATE_REGION="eu-central-1",
        offline=False,
    )
    assert done.code == 0, done.said
    assert "--expect=repoint --region=eu-central-1 --offline -- plan.json" in done.calls[0]
    for hostile in (
        "$(touch owned)",
        "`touch owned`",
        '"; touch owned; "',
        "SOURCES\ntouch owned\nSOURCES",
    ):
        variables = {
            name: hostile
            for name in JOB["variables"]
            if name not in {"GATE_PACKAGE", "GATE_OFFLINE"}
        }
        assert here.run("sh", "-c", JOB["script"][0], **{**JOB["variables"], **variables}).code == 2
        assert (
            here.run(
                "sh", "-c", JOB["script"][0], **{**JOB["variables"], "GATE_OFFLINE": hostile}
            ).code
            == 2
        )
        assert not list(here.home.rglob("owned"))


def test_a_package_is_installed_where_it_is_named(job):
    """GATE_PACKAGE is installed with pip in a virtual environment, whose tfcert then runs."""
    here, _ = job("shared-2-repoint")
    here.command(
        "python3",
        f'#!/bin/sh\nmkdir -p .tfcert-venv/bin\ncp "{here.binaries}/tfcert" .tfcert-venv/bin/tfcert\n'
        'printf \'#!/bin/sh\\necho "python $*" >> "$CALLS"\\n\' > .tfcert-venv/bin/python\nchmod +x .tfcert-venv/bin/python\n',
    )
    done = here.run(
        "sh", "-c", JOB["script"][0], **{**JOB["variables"], "GATE_PACKAGE": "a wheel.whl"}
    )
    assert done.code == 0, done.said
    assert (
        done.calls[0] == "python -I -m pip install --quiet --disable-pip-version-check a wheel.whl"
    )
    assert len(done.calls) == 2


def test_the_id_token_is_what_the_role_is_assumed_with(job):
    """With a role, the id token is written to a private file for boto3 and not logged."""
    here, _ = job("shared-2-repoint")
    here.command(
        "tfcert",
        '#!/bin/sh\nls -l "$AWS_WEB_IDENTITY_TOKEN_FILE" | cut -c1-10\ncat "$AWS_WEB_IDENTITY_TOKEN_FILE" | wc -c\n',
    )
    variables = {
        **JOB["variables"],
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/tfcert",
        "GATE_ID_TOKEN": "secret-token",
    }
    done = here.run("sh", "-c", JOB["script"][0], **variables)
    assert done.said.split() == ["-rw-------", "12"]


def test_the_template_is_what_gitlab_reads():
    """The template and its example are valid by GitLab's schema."""
    schema = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.gitlab-ci",
        "--data-transform",
        "gitlab-ci",
    ]
    head = (ROOT / TEMPLATE).read_text(encoding="utf-8").partition("\n.tfcert:")[0]
    lines = [line.removeprefix("#   ") for line in head.splitlines() if line.startswith("#   ")]
    example = yaml.safe_load("\n".join(lines))
    assert {"include", "plan", "tfcert"} <= set(example)
    assert set(example["tfcert"]["variables"]) - set(JOB["variables"]) == {"AWS_ROLE_ARN"}
    for text in ((ROOT / TEMPLATE).read_bytes(), "\n".join(lines).encode()):
        done = subprocess.run(
            [*schema, "--force-filetype", "yaml", "-"],
            input=text,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout.decode()
