"""`tfcert check` and `patch` with a stage that uses an ACM certificate, against the emulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from checker.demo.emulator import SeedAcm, SeedApi, access_denied

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
AS_OF = ("--as-of", "2026-11-24")
ENDS = datetime(2026, 12, 6, 1, tzinfo=UTC)

CONFIGURATION = """\
resource "aws_acm_certificate" "orders" {
  private_key      = file("orders.key")
  certificate_body = file("orders.pem")
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id           = "orders"
  deployment_id         = "one"
  stage_name            = "prod"
  client_certificate_id = aws_acm_certificate.orders.arn
}
"""


def instance(type_, name, **attributes):
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    return {
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider": provider,
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }


@pytest.fixture
def aws(aws):
    aws.seed(SeedApi(id="orders", stages={"prod": ARN}))
    return aws


@pytest.fixture
def root(tmp_path):
    """Return a folder with a configuration and its state, where an imported ACM certificate ends
    soon.
    """
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "main.tf").write_text(CONFIGURATION)
    resources = [
        instance(
            "aws_acm_certificate", "orders", id=ARN, arn=ARN, not_after="2026-12-06T01:00:00Z"
        ),
        instance(
            "aws_api_gateway_stage",
            "prod",
            id="ags-orders-prod",
            rest_api_id="orders",
            stage_name="prod",
            execution_arn="arn:aws:execute-api:us-east-1:123456789012:orders/prod",
            client_certificate_id=ARN,
        ),
    ]
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "x",
        "outputs": {},
        "resources": resources,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(state))
    return folder


def judged(outcome, root, aws):
    document, code = outcome("terraform.tfstate", *AS_OF, cwd=root, environment=aws.environment())
    found = {finding["rule"]: finding["severity"] for finding in document["findings"]}
    return found, code, document


def test_an_imported_one_near_its_end_is_to_be_imported_again(outcome, root, aws):
    """An imported certificate near its end is an error, and the remedy is to import it again."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS, kind="IMPORTED"))
    found, code, document = judged(outcome, root, aws)
    assert (found, code) == (
        {"certificate-expiring": "error", "certificate-not-renewing": "error"},
        1,
    )
    assert all("re-import" in finding["remedy"] for finding in document["findings"])
    assert document["certificates"][0]["evidence"] == "observed"


def test_one_that_acm_renews_passes(outcome, root, aws):
    """A certificate that ACM renews is a warning, and check passes."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS))
    found, code, _ = judged(outcome, root, aws)
    assert (found, code) == ({"certificate-expiring": "warning"}, 0)


def test_one_that_was_renewed_since_is_clean(outcome, root, aws):
    """After a renewal the end date from ACM counts, and check is clean."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS.replace(year=2027), renewal="SUCCESS"))
    assert judged(outcome, root, aws)[:2] == ({}, 0)


def test_i4_one_that_may_not_be_asked_for_is_not_clean(outcome, root, aws):
    """I4: a denied ACM call is inconclusive, and the message names the missing action."""
    aws.faults.inject("DescribeCertificate", access_denied())
    document, code = outcome(
        "terraform.tfstate", "--as-of", "2026-01-01", cwd=root, environment=aws.environment()
    )
    (finding,) = document["findings"]
    assert (finding["rule"], code) == ("certificate-unverified", 3)
    assert "acm:DescribeCertificate" in finding["message"]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [("IMPORTED", 3, b"re-import"), ("PRIVATE", 0, b"ACM renews it by itself")],
)
def test_patch_leaves_it_alone_and_says_why(tfcert, root, aws, kind, code, words):
    """`patch` writes nothing for an ACM certificate in any phase, and gives the reason."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS, kind=kind))
    for phase in ("next", "all", "introduce"):
        done = tfcert(
            "patch",
            "terraform.tfstate",
            *AS_OF,
            "--phase",
            phase,
            cwd=root,
            environment=aws.environment(),
        )
        assert done.returncode == code, done
        assert words in done.stdout
        assert b"certificate of ACM" in done.stdout
        assert b"--- a/" not in done.stdout
        assert b"put the block back" not in done.stdout
    assert (root / "main.tf").read_text() == CONFIGURATION
