"""The printed steps of a scan, run in a shell, rotate a certificate and never leave a stage without
one.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.demo.emulator import SeedApi, SeedCertificate
from checker.model.places import Access, Place
from checker.rotation.aws_cli import assume_role_line, aws_command, safe_name

ROOT = Path(__file__).resolve().parents[2]
AS_OF = ("--as-of", "2026-11-24")
SOON = datetime(2026, 12, 6, 1, tzinfo=UTC)
HERE, THERE = "123456789012", "222222222222"
ROLE = f"arn:aws:iam::{THERE}:role/team/audit"


@pytest.fixture
def aws(aws):
    # The emulator refuses to delete a certificate in use, as AWS can do.
    aws.answer_delete_in_use("conflict")
    return aws


@pytest.fixture
def shell(aws, tmp_path, forking):
    """Return a function that runs lines in one POSIX shell, with the shim as `aws` and tfcert on
    the PATH.
    """
    tools = tmp_path / "bin"
    tools.mkdir()
    called = {
        "aws": forking.command(ROOT / "tests/cli/aws_shim.py"),
        "tfcert": forking.command(),
    }
    more = {"aws": "", "tfcert": f" {shlex.join(AS_OF)} --fail-on never"}
    for tool, command in called.items():
        (tools / tool).write_text(f'#!/bin/sh\nexec {command} "$@"{more[tool]}\n')
        (tools / tool).chmod(0o755)

    def run(*lines):
        environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            **aws.environment(),
        }
        return subprocess.run(
            ["sh", "-e"],
            input="\n".join(lines),
            text=True,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def steps(tfcert, aws):
    """Return a function that scans and gives the steps of each manual rotation."""

    def found(*arguments):
        done = tfcert("scan", "--format", "json", *AS_OF, *arguments, environment=aws.environment())
        return [rotation["steps"] for rotation in json.loads(done.stdout)["by_hand"]]

    return found


def presented(aws, account=HERE):
    rest = aws.client("apigateway", account=account)
    sock = aws.client("apigatewayv2", account=account)
    stages = {f"{api['id']}/{one['stageName']}": one.get("clientCertificateId") for api in rest.get_rest_apis()["items"]
              for one in rest.get_stages(restApiId=api["id"])["item"]}  # fmt: skip
    for api in sock.get_apis()["Items"]:
        for one in sock.get_stages(ApiId=api["ApiId"])["Items"]:
            stages[f"{api['ApiId']}/{one['StageName']}"] = one.get("ClientCertificateId")
    return stages


def test_the_steps_rotate_step_by_step(aws, steps, shell):
    """The steps move REST and WebSocket stages to a successor and delete the old certificate; then
    nothing is due.
    """
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON),
        SeedApi(id="rest1", name="orders", stages={"prod": "due001", "dev": None}),
        SeedApi(id="sock1", name="chat", kind="websocket", stages={"live": "due001"}),
    )
    (found,) = steps()
    done = shell(*(command for step in found for command in step["commands"]))
    assert done.returncode == 0, done.stderr
    (left,) = aws.client("apigateway").get_client_certificates()["items"]
    new = left["clientCertificateId"]
    assert (new != "due001", left["description"]) == (True, "tfcert: succeeds due001")
    assert presented(aws) == {"rest1/prod": new, "rest1/dev": None, "sock1/live": new}
    assert "due001, presented by no stage" in done.stdout
    writes = [call.operation for call in aws.calls() if not call.operation.startswith("Get")]
    assert writes == [
        "GenerateClientCertificate",
        "UpdateStage",
        "UpdateStage",
        "DeleteClientCertificate",
    ]
    assert steps() == []


def test_asking_again_half_way_goes_on_with_the_successor(aws, steps, shell):
    """I6: a second scan halfway continues with the successor and creates no other one."""
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON),
        SeedApi(id="rest1", stages={"a": "due001", "b": "due001"}),
    )

    def through(word):
        (found,) = steps()
        at = next(number for number, step in enumerate(found) if word in step["does"])
        done = shell(*(command for step in found[: at + 1] for command in step["commands"]))
        assert done.returncode == 0, done.stderr
        return found

    through("introduce")
    through("rest1/a")
    through("rest1/b")
    assert len(aws.calls("GenerateClientCertificate")) == 1
    left = through("delete")
    assert [
        word for step in left for word in ("introduce", "repoint") if word in step["does"]
    ] == []
    assert [
        one["clientCertificateId"] == "due001"
        for one in aws.client("apigateway").get_client_certificates()["items"]
    ] == [False]


def test_the_successor_under_way_is_known_by_the_scan(tfcert, aws, steps, shell):
    """A certificate whose successor exists is a warning until its repoint date."""
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON), SeedApi(id="rest1", stages={"a": "due001"})
    )
    (found,) = steps()
    shell(*(command for step in found[:2] for command in step["commands"]))
    judged = json.loads(
        tfcert("scan", "--format", "json", *AS_OF, environment=aws.environment()).stdout
    )
    weights = {
        one["rule"]: one["severity"]
        for one in judged["findings"]
        if one["certificate_id"] == "due001"
    }
    assert weights["certificate-expiring"] == "warning"
    late = json.loads(
        tfcert(
            "scan", "--format", "json", "--as-of", "2026-12-02", environment=aws.environment()
        ).stdout
    )
    assert "rotation-overdue" in {one["rule"] for one in late["findings"]}


def test_a_role_is_taken_first_and_its_account_is_rotated(aws, steps, shell):
    """With a role, the steps first assume it and then act in its account."""
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON, account=THERE),
        SeedApi(id="rest1", stages={"prod": "due001"}, account=THERE),
    )
    (found,) = steps("--role-arn", ROLE, "--region", "us-east-1")
    # The second scan uses the credentials that the shell has at that time.
    commands = [
        command
        for step in found
        for command in step["commands"]
        if not command.startswith("tfcert ")
    ]
    done = shell(*commands)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == THERE
    assert set(presented(aws, THERE).values()).isdisjoint({"due001", None})
    assert presented(aws) == {}


@pytest.mark.parametrize("variable", ["", "NEW=", "NEW=$(false) || true"])
def test_without_a_successor_no_stage_is_touched(aws, steps, shell, variable):
    """Without a successor's id the shell refuses to move a stage."""
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "due001"}),
        SeedApi(id="sock1", kind="websocket", stages={"live": "due001"}),
    )
    (found,) = steps()
    moves = [command for step in found for command in step["commands"] if "update-stage" in command]
    assert len(moves) == 2
    for move in moves:
        assert shell(variable, move).returncode != 0
    assert presented(aws) == {"rest1/prod": "due001", "sock1/live": "due001"}


@pytest.mark.parametrize("answer", ["allow", "badrequest"])
def test_the_order_does_not_rest_on_aws_refusing_a_deletion(aws, steps, shell, answer):
    """The steps never delete a certificate in use, whatever AWS would answer."""
    aws.answer_delete_in_use(answer)
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "due001"}),
    )
    (found,) = steps()
    assert shell(*(command for step in found for command in step["commands"])).returncode == 0
    assert "due001" not in presented(aws).values()


@given(
    st.text(
        alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=12
    )
)
def test_whatever_a_name_holds_is_one_word_of_the_shell(text):
    """Any text in a name of a profile, region or stage is one word for the shell."""
    place = Place("aws", HERE, "us-east-1")
    words = shlex.split(
        aws_command(Access(profile=text), place, "apigateway", "get-stage", {"stage-name": text})
    )
    if text.startswith("-"):
        # The AWS CLI would read an extra word as another option.
        assert words == [
            *words[:3],
            f"--profile={text}",
            "--region",
            "us-east-1",
            f"--stage-name={text}",
        ]
    else:
        assert words == [
            *words[:3],
            "--profile",
            text,
            "--region",
            "us-east-1",
            "--stage-name",
            text,
        ]
    assert shlex.split(safe_name(text)) == [text]
    taken = assume_role_line(Access(role_arn=text, external_id=text), place)
    inner = shlex.split(taken.partition("$(aws ")[2].removesuffix("))"))
    role, external = (
        [f"--{option}={text}"] if text.startswith("-") else [f"--{option}", text]
        for option in ("role-arn", "external-id")
    )
    assert inner[:5] == ["sts", "assume-role", "--region", "us-east-1", role[0]]
    assert inner[4 : 4 + len(role)] == role
    assert inner[4 + len(role) : 6 + 2 * len(role)] == [
        "--role-session-name",
        "tfcert-by-hand",
        *external,
    ]
