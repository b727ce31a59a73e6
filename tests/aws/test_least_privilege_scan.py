"""The IAM policy of scan allows exactly the needed calls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from granting import allows, grants

from checker.aws.errors import action_for
from checker.demo.emulator import SeedAcm, SeedApi, SeedCertificate
from checker.model.observation import Found, Gone

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
READS = (
    "DescribeRegions",
    "GetClientCertificates",
    "GetRestApis",
    "GetApis",
    "GetStages",
    "GetCallerIdentity",
    "DescribeCertificate",
)


@pytest.fixture
def everything(aws, scanned, monkeypatch):
    """Return a function that makes every kind of call of a scan, and returns the calls."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    aws.seed(
        SeedCertificate(id="here00"),
        SeedAcm(arn=ARN, expires_at=datetime(2027, 3, 1, tzinfo=UTC)),
        SeedApi(id="rest1", stages={"prod": "here00", "acm": ARN, "lost": "gone01"}),
        SeedApi(id="sock1", kind="websocket", stages={"prod": "here00"}),
    )

    def run():
        found = scanned(None, timeout=10.0)
        assert [part for sweep in found.sweeps for part in sweep.unread] == []
        said = {
            key.id: type(answer)
            for sweep in found.sweeps
            for key, answer in sweep.certificates.items()
        }
        assert said == {"here00": Found, ARN: Found, "gone01": Gone}
        return aws.calls()

    return run


def test_the_policy_allows_every_call_and_each_of_its_lines_is_needed(everything):
    """The policy allows each call of a scan, and each grant is needed."""
    calls = everything()

    assert [
        call for call in calls if not any(allows(grant, call) for grant in grants("scan.json"))
    ] == []
    assert [
        grant for grant in grants("scan.json") if not any(allows(grant, call) for call in calls)
    ] == []


def test_everything_is_listed_where_all_other_operations_are_denied(aws, everything):
    """A scan gets all lists if only these read operations are allowed."""
    aws.faults.allow_only(*READS)

    assert {call.operation for call in everything()} == set(READS)


def test_a_denial_names_what_the_policy_allows():
    """The permission named after a denied call is in the policy."""
    allowed = {action for action, _ in grants("scan.json")}
    assert {action_for(operation).split(" on ")[0] for operation in READS} == allowed
    assert allowed == {
        "apigateway:GET",
        "acm:DescribeCertificate",
        "ec2:DescribeRegions",
        "sts:GetCallerIdentity",
    }
