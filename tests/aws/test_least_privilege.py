"""The IAM policy of check allows exactly the needed calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from granting import IAM, allows, grants

from checker.aws.errors import action_for
from checker.demo.emulator import SeedAcm, SeedApi, SeedCertificate
from checker.model.observation import Found, Gone, Surveyed
from checker.model.places import Place
from checker.model.resources import StageKind

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"


@pytest.fixture
def everything(aws, key, stage, look):
    """Return a function that makes every kind of call of a check, and returns the calls."""
    aws.seed(
        SeedCertificate(id="here00"),
        SeedAcm(arn=ARN, expires_at=datetime(2027, 3, 1, tzinfo=UTC)),
        SeedApi(id="rest1", stages={"prod": "gone01"}),
        SeedApi(id="sock1", kind="websocket", stages={"prod": "gone02"}),
    )
    anchors = [
        stage("rest1", "prod", presents="gone01"),
        stage("sock1", "prod", kind=StageKind.WEBSOCKET, presents="gone02"),
    ]
    keys = [key("here00"), key(ARN), key("gone01", account=None), key("gone02", account=None)]

    def run():
        seen = look(keys, surveys=[Place("aws", "123456789012", "us-east-1")], anchors=anchors)
        assert [type(seen.certificates[one]) for one in keys] == [Found, Found, Gone, Gone]
        assert isinstance(next(iter(seen.surveys.values())), Surveyed)
        return aws.calls()

    return run


def test_the_policy_allows_every_call_and_each_of_its_lines_is_needed(everything):
    """The policy allows each call of a check, and each grant is needed."""
    calls = everything()

    assert [
        call for call in calls if not any(allows(grant, call) for grant in grants("check.json"))
    ] == []
    assert [
        grant for grant in grants("check.json") if not any(allows(grant, call) for call in calls)
    ] == []


def test_everything_is_answered_where_all_other_operations_are_denied(aws, everything):
    """A check gets all answers if only these read operations are allowed."""
    reads = (
        "GetClientCertificates",
        "GetRestApis",
        "GetApis",
        "GetStages",
        "GetStage",
        "GetCallerIdentity",
        "DescribeCertificate",
    )
    aws.faults.allow_only(*reads)

    assert {call.operation for call in everything()} == set(reads)


@pytest.mark.parametrize("verb", ["check", "check-trust", "scan", "probe"])
@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_china_and_govcloud_have_the_same_policy_in_their_own_partition(partition, verb):
    """The policies of China and GovCloud equal the standard one, with their own partition."""
    own, policy = (
        (IAM / name).read_text() for name in (f"{verb}-{partition}.json", f"{verb}.json")
    )
    assert own.count(f'"arn:{partition}:') == policy.count('"arn:aws:') > 0
    assert json.loads(own.replace(f'"arn:{partition}:', '"arn:aws:')) == json.loads(policy)


def test_the_policy_names_neither_a_wildcard_action_nor_a_write():
    """The policy has only read actions, and no wildcard action."""
    assert {action for action, _ in grants("check.json")} == {
        "apigateway:GET",
        "sts:GetCallerIdentity",
        "acm:DescribeCertificate",
    }


def test_a_denial_names_an_action_that_the_policy_has(everything):
    """The permission named after a denied call is in the policy."""
    resources = {resource.partition("::")[2] for _, resource in grants("check.json")} - {""}
    operations = {call.operation for call in everything() if call.service not in {"sts", "acm"}}

    named = {
        path
        for operation in operations
        for path in action_for(operation).partition(" on ")[2].split(" and ")
    }

    assert named == resources
    assert action_for("DescribeCertificate").startswith("acm:DescribeCertificate ")
