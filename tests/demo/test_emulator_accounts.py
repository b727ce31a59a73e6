"""Tests of the emulator's accounts and regions, each of which has its own certificates."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from checker.demo.emulator import SeedApi, SeedCertificate, SeedRole

OTHER = "222222222222"


def test_the_caller_has_an_account(aws):
    """The test credentials belong to moto's first account, and an assumed role belongs to its own
    account.
    """
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert aws.client("sts", account=OTHER).get_caller_identity()["Account"] == OTHER


def test_certificates_are_kept_by_account_and_region(aws, gateway):
    """Several accounts and regions can have a certificate with the same id, and each caller sees
    its own.
    """
    aws.seed(
        SeedCertificate(id="abc123", description="here"),
        SeedCertificate(id="abc123", description="other region", region="eu-west-1"),
        SeedCertificate(id="abc123", description="other account", account=OTHER),
        SeedCertificate(id="only12", account=OTHER, region="eu-west-1"),
    )
    seen = [
        client.get_client_certificate(clientCertificateId="abc123")["description"]
        for client in (
            gateway,
            aws.client("apigateway", region="eu-west-1"),
            aws.client("apigateway", account=OTHER),
        )
    ]
    assert seen == ["here", "other region", "other account"]
    with pytest.raises(ClientError, match="NotFoundException"):
        gateway.get_client_certificate(clientCertificateId="only12")
    there = aws.client("apigateway", account=OTHER, region="eu-west-1")
    assert (
        there.get_client_certificate(clientCertificateId="only12")["clientCertificateId"]
        == "only12"
    )


def test_a_stage_cannot_present_another_accounts_certificate(aws, gateway):
    """A stage can present only certificates of its own account and region."""
    aws.seed(
        SeedCertificate(id="theirs", account=OTHER), SeedApi(id="orders", stages={"prod": None})
    )
    patch = [{"op": "replace", "path": "/clientCertificateId", "value": "theirs"}]
    with pytest.raises(ClientError, match="BadRequestException"):
        gateway.update_stage(restApiId="orders", stageName="prod", patchOperations=patch)


def test_the_log_names_the_account_of_an_assumed_role(aws):
    """A call with a role's credentials is logged under the role's account."""
    aws.client("apigateway", account=OTHER).get_rest_apis()
    assert [(call.operation, call.account) for call in aws.calls()] == [
        ("AssumeRole", "123456789012"),
        ("GetRestApis", OTHER),
    ]


def test_a_seeded_role_is_assumed_with_its_external_id_and_no_other_role_at_all(aws):
    """A role with an external id is refused without that id or with another one, and an unknown
    role is refused too.
    """
    role = f"arn:aws:iam::{OTHER}:role/reader"
    aws.seed(SeedRole(arn=role, external_id="tf-1"))
    sts = aws.client("sts")

    assert sts.assume_role(RoleArn=role, RoleSessionName="test", ExternalId="tf-1")["Credentials"]
    for more in (
        {"RoleArn": role},
        {"RoleArn": role, "ExternalId": "tf-2"},
        {"RoleArn": f"{role}2", "ExternalId": "tf-1"},
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(RoleSessionName="test", **more)
    aws.reset()
    assert sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
