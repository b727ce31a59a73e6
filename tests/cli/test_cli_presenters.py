"""AWS shows which stages present a certificate: also stages outside Terraform, and failed
applies.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime

import pytest

from checker.demo.emulator import SeedApi, SeedCertificate, access_denied

OLD, NEW = "o8kcu4", "xdly9m"
WHEN = ("--as-of", "2026-12-01")
STATE = "terraform.tfstate"
BACKEND = "aws_api_gateway_client_certificate.backend"


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
def home(tmp_path, fixtures):
    """Return a folder with configuration and state after repoint; the predecessor is in both,
    unused.
    """
    folder = tmp_path / "home"
    shutil.copytree(fixtures / "acceptance/shared-2-repoint/config", folder)
    shutil.copyfile(fixtures / "acceptance/shared-3-retire/terraform.tfstate", folder / STATE)
    return folder


def test_a_due_certificate_on_a_stage_outside_terraform_is_judged(outcome, tfcert, aws, home):
    """A certificate that ends soon on a stage outside Terraform is an error that names
    the stage.
    """
    for file in home.glob("*.tf"):
        file.unlink()
    aws.seed(SeedApi(id="outside1", name="legacy", stages={"live": OLD}))
    document, code = outcome(STATE, *WHEN, cwd=home, environment=aws.environment())
    (finding,) = document["findings"]
    assert (code, finding["rule"], finding["severity"], finding["certificate_id"]) == (
        1,
        "certificate-expiring",
        "error",
        OLD,
    )
    assert "outside1/live (legacy)" in finding["message"]
    text = tfcert("check", STATE, *WHEN, cwd=home, environment=aws.environment()).stdout.decode()
    assert f"{OLD}, presented by 1 stage" in text


def test_what_was_not_looked_up_is_not_said(tfcert, aws, home):
    """The report says "no stage in this state" offline, and names account and region after a
    listing. A denied listing is inconclusive (I4).
    """
    offline = tfcert("check", STATE, *WHEN, "--offline", cwd=home).stdout.decode()
    assert f"{OLD}, presented by no stage in this state" in " ".join(offline.split())
    listed = tfcert("check", STATE, *WHEN, cwd=home, environment=aws.environment()).stdout.decode()
    assert f"{OLD}, presented by no stage of its account and region" in " ".join(listed.split())
    for file in home.glob("*.tf"):
        file.unlink()
    aws.faults.inject("GetRestApis", access_denied())
    denied = tfcert("check", STATE, *WHEN, cwd=home, environment=aws.environment())
    assert denied.returncode == 3
    assert "no stage in this state" in " ".join(denied.stdout.decode().split())


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_every_report_says_where_stages_were_looked_for(tfcert, aws, home, name):
    """Each report says where stages were searched, and never "0 stages" offline."""
    offline = tfcert("check", STATE, *WHEN, "--offline", "--format", name, cwd=home).stdout.decode()
    assert "no stage in this state" in " ".join(offline.split())
    assert "0 stages" not in offline
    assert "No stage presents it" not in offline
    listed = tfcert(
        "check", STATE, *WHEN, "--format", name, cwd=home, environment=aws.environment()
    ).stdout.decode()
    assert "no stage of its account and region" in " ".join(listed.split())


def test_an_apply_that_failed_on_a_stage_is_named_as_a_cause(outcome, tfcert, aws, home):
    """A failed apply is named as a cause if AWS shows a stage on the old id, with applying again as
    the remedy.
    """
    aws.seed(SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": OLD}))
    document, code = outcome(STATE, *WHEN, cwd=home, environment=aws.environment())
    drifted = next(
        finding for finding in document["findings"] if finding["rule"] == "certificate-drifted"
    )
    assert "an apply failed before it changed the stage" in drifted["message"]
    assert drifted["remedy"].startswith(f"plan and apply again, which moves it to {NEW}")
    assert code == 1
    shown = {one["id"]: one["presented_by"] for one in document["certificates"]}
    assert shown[OLD] == ["aws_api_gateway_stage.orders"] or len(shown[OLD]) == 1
    (rotation,) = document["rotations"]
    assert rotation["phase"] == "waiting"
    assert "an apply failed before it moved the stage" in rotation["reason"]
    # Follow the remedy: the apply makes the stage present the new certificate.
    gateway = aws.client("apigateway")
    gateway.update_stage(
        restApiId="cqxck1bg8j",
        stageName="prod",
        patchOperations=[{"op": "replace", "path": "/clientCertificateId", "value": NEW}],
    )
    document, code = outcome(STATE, *WHEN, cwd=home, environment=aws.environment())
    assert "certificate-drifted" not in {finding["rule"] for finding in document["findings"]}
    assert [rotation["phase"] for rotation in document["rotations"]] == ["retire"]


@pytest.mark.parametrize("ignored", ["client_certificate_id", "all"])
def test_drift_on_a_stage_that_ignores_changes_promises_no_apply(outcome, tmp_path, aws, ignored):
    """For a stage with ignore_changes, the drift message does not promise that an apply
    reverts it.
    """
    folder = tmp_path / "infra"
    folder.mkdir()
    listed = ignored if ignored == "all" else f"[{ignored}]"
    (folder / "main.tf").write_text(
        f"""resource "aws_api_gateway_client_certificate" "b" {{
}}

resource "aws_api_gateway_stage" "s" {{
  rest_api_id   = "scripted1"
  deployment_id = "d"
  stage_name    = "prod"

  lifecycle {{
    ignore_changes = {listed}
  }}
}}
""",
        encoding="utf-8",
    )
    (folder / STATE).write_text(json.dumps(scripted()), encoding="utf-8")
    aws.seed(SeedApi(id="scripted1", name="stub", stages={"prod": OLD}))
    document, code = outcome(STATE, *WHEN, cwd=folder, environment=aws.environment())
    found = {finding["rule"]: finding for finding in document["findings"]}
    assert code == 1
    assert found["certificate-expiring"]["certificate_id"] == OLD
    assert "aws_api_gateway_stage.s" in found["certificate-expiring"]["message"]
    assert "no apply changes it" in found["certificate-drifted"]["remedy"]
    assert "the next apply" not in found["certificate-drifted"]["remedy"]


def scripted():
    """Return a state of one certificate and a stage without one."""

    def resource(kind, name, attributes):
        provider = 'provider["registry.terraform.io/hashicorp/aws"]'
        instance = {"schema_version": 0, "attributes": attributes}
        return {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": provider,
            "instances": [instance],
        }

    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 3,
        "lineage": "6f1f3b0e-1111-4222-8333-444455556666",
        "outputs": {},
        "resources": [
            resource(
                "aws_api_gateway_client_certificate",
                "b",
                {
                    "id": OLD,
                    "arn": f"arn:aws:apigateway:us-east-1::/clientcertificates/{OLD}",
                    "created_date": "2025-12-06 03:12:45 +0000 UTC",
                    "expiration_date": "2026-12-06 03:12:45 +0000 UTC",
                },
            ),
            resource(
                "aws_api_gateway_stage",
                "s",
                {
                    "id": "ags-scripted1-prod",
                    "rest_api_id": "scripted1",
                    "stage_name": "prod",
                    "client_certificate_id": "",
                    "execution_arn": "arn:aws:execute-api:us-east-1:123456789012:scripted1/prod",
                },
            ),
        ],
    }
