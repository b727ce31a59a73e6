"""`scan --states`: unmanaged certificates by owner, with one set of AWS calls for all states."""

from __future__ import annotations

import json

import pytest
from states import certificate, stage, state, write
from typer.testing import CliRunner

from checker.cli.app import build

REGION = "us-east-1"


@pytest.fixture
def account(aws):
    """Return three certificates in AWS: one in a state, one with an owner tag, one without."""
    gateway = aws.client("apigateway", region_name=REGION)
    made = [
        gateway.generate_client_certificate(description=name, tags=tags)["clientCertificateId"]
        for name, tags in (("a", {}), ("b", {"OWNER": "payments"}), ("c", {"x": "y"}))
    ]
    return aws, made


def run(*arguments):
    """Run a command in this process; return the exit code and the JSON."""
    ran = CliRunner().invoke(build(), [*arguments, "--format", "json"])
    return ran.exit_code, json.loads(ran.stdout)


def test_what_no_state_manages_is_named_by_owner(account, tmp_path):
    """Certificates that no state manages are listed by the owner tag, whose key may have
    any case.
    """
    _, (mine, theirs, orphan) = account
    write(tmp_path / "fleet/a.tfstate", state([certificate(mine, region=REGION)]))
    _, report = run("scan", "--states", str(tmp_path / "fleet"), "--region", REGION)
    said = [each for each in report["notices"] if each.startswith("no state manages")]
    assert len(said) == 2
    assert orphan in said[0]
    assert "no owner tag" in said[0]
    assert theirs in said[1]
    assert "of payments (tag OWNER)" in said[1]
    assert not any(mine in each for each in said)


def test_an_unread_state_may_manage_it(account, tmp_path):
    """If a state is unread, no certificate is called unmanaged."""
    write(tmp_path / "fleet/a.tfstate", "{")
    code, report = run("scan", "--states", str(tmp_path / "fleet"), "--region", REGION)
    assert code in (1, 3)
    assert not any(each.startswith("no state manages") for each in report["notices"])


def test_aws_is_asked_once_for_all_states(account, tmp_path):
    """The number of AWS calls does not grow with the states, and a certificate in two states is
    managed-twice.
    """
    _, (mine, *_) = account
    calls = []
    for count in (2, 30):
        for number in range(count):
            write(
                tmp_path / f"{count}/{number}.tfstate",
                state(
                    [certificate(mine, region=REGION), stage(f"api{number}", mine, region=REGION)]
                ),
            )
        ran = CliRunner().invoke(
            build(),
            ["check", "--states", str(tmp_path / str(count)), "--drift", "none", "-v",
             "--format", "json"],
        )  # fmt: skip
        report = json.loads(ran.stdout)
        assert any(each["rule"] == "managed-twice" for each in report["findings"])
        calls.append([line for line in ran.stderr.splitlines() if "GetClientCertificate" in line])
    assert calls[0] == calls[1]
    assert len(calls[0]) == 1
