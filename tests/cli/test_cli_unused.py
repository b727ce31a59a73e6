"""certificate-unused on the command line, where retire was forgotten and AWS lists all stages."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest

from checker.demo.emulator import SeedApi, SeedCertificate, access_denied

UNUSED = "certificate-unused"
OLD, NEW = "o8kcu4", "xdly9m"
WHEN = ("--as-of", "2026-12-01")


@pytest.fixture
def aws(aws):
    """Return an AWS after repoint: stages of two APIs use the successor, and the predecessor
    exists.
    """
    aws.seed(
        SeedCertificate(id=OLD, expires_at=datetime.fromisoformat("2026-12-06T03:12:45Z")),
        SeedCertificate(id=NEW, expires_at=datetime.fromisoformat("2027-11-24T02:14:24Z")),
        SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": NEW}),
        SeedApi(id="qlda1tzfie", name="payments", stages={"blue": NEW, "green": NEW}),
    )
    return aws


@pytest.fixture
def forgotten(tmp_path, fixtures):
    """Return a folder with the configuration after repoint and the state of that apply."""
    folder = tmp_path / "forgotten"
    shutil.copytree(fixtures / "acceptance/shared-2-repoint/config", folder)
    shutil.copyfile(
        fixtures / "acceptance/shared-3-retire/terraform.tfstate", folder / "terraform.tfstate"
    )
    return folder


def test_a_forgotten_retire_is_a_note_with_the_next_step(outcome, tfcert, aws, forgotten):
    """A forgotten retire is a note with the next step, and needs no extra call."""
    document, code = outcome(
        "terraform.tfstate", *WHEN, cwd=forgotten, environment=aws.environment()
    )

    (note,) = [finding for finding in document["findings"] if finding["rule"] == UNUSED]
    assert (note["severity"], note["certificate_id"], code) == ("note", OLD, 0)
    assert note["address"] == "aws_api_gateway_client_certificate.backend"
    assert note["location"]["file"] == "certificates.tf"
    assert "`tfcert patch` writes the retire phase" in note["remedy"]
    assert [rotation["phase"] for rotation in document["rotations"]] == ["retire"]
    written = tfcert(
        "patch", "terraform.tfstate", *WHEN, cwd=forgotten, environment=aws.environment()
    )
    assert b"# tfcert: retire" in written.stdout


def test_i4_a_stage_outside_terraform_that_presents_it_makes_it_used(outcome, aws, forgotten):
    """I4: a certificate that a stage outside Terraform presents is not unused."""
    aws.seed(SeedApi(id="byhand", name="legacy", stages={"live": OLD}))
    document, _ = outcome("terraform.tfstate", *WHEN, cwd=forgotten, environment=aws.environment())
    assert UNUSED not in {finding["rule"] for finding in document["findings"]}


@pytest.mark.parametrize("operation", ["GetRestApis", "GetApis", "GetStages"])
def test_i4_where_one_list_was_denied_nothing_is_called_unused(outcome, aws, forgotten, operation):
    """I4: if one list is denied, the certificate is unverified and not unused."""
    aws.faults.inject(operation, access_denied())
    document, code = outcome(
        "terraform.tfstate", *WHEN, cwd=forgotten, environment=aws.environment()
    )
    rules = {finding["rule"] for finding in document["findings"]}
    assert UNUSED not in rules
    assert "certificate-unverified" in rules
    assert code == 3


def test_check_lists_no_stages_for_what_is_not_due(outcome, aws, forgotten):
    """A certificate that is not due costs no survey of stages."""
    for file in forgotten.glob("*.tf"):
        file.unlink()
    document, code = outcome(
        "terraform.tfstate", "--as-of", "2026-09-01", cwd=forgotten, environment=aws.environment()
    )
    assert (code, document["findings"]) == (0, [])
    assert {call.operation for call in aws.calls()} == {
        "GetCallerIdentity",
        "GetClientCertificates",
        "GetStages",
    }
    assert len(aws.calls("GetStages")) == 2


def test_what_is_due_and_unseen_is_looked_for_on_every_stage(outcome, aws, forgotten):
    """A due certificate without a recorded stage needs one survey of the account and region."""
    for file in forgotten.glob("*.tf"):
        file.unlink()
    document, code = outcome(
        "terraform.tfstate", *WHEN, cwd=forgotten, environment=aws.environment()
    )
    assert (code, [finding["rule"] for finding in document["findings"]]) == (0, [UNUSED])
    assert len(aws.calls("GetRestApis")) == len(aws.calls("GetApis")) == 1
    assert len(aws.calls("GetStages")) == 2
