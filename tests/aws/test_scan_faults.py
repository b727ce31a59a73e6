"""Faults during a scan: nothing unseen is called clean, and no wait is endless."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from checker.aws.responses import once, parse_rest_stage
from checker.demo.emulator import (
    AnswerFault,
    Drop,
    Hang,
    ProxyPage,
    SeedAcm,
    SeedApi,
    SeedCertificate,
    access_denied,
    throttled,
    unavailable,
)
from checker.model.observation import Found
from checker.model.outcome import Verdict
from checker.model.policy import Policy, Run
from checker.pipeline import scan as judge

EAST, WEST = "us-east-1", "eu-west-1"
ARN = f"arn:aws:acm:{EAST}:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
LATER = datetime(2027, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
FAULTS = {
    "denied": access_denied(),
    "throttled": throttled(),
    "unavailable": unavailable(),
    "dropped": Drop(),
    "page": ProxyPage(),
    "page 403": ProxyPage(status=403),
    "page 404": ProxyPage(status=404),
    "expired": AnswerFault(status=403, code="ExpiredTokenException", message="x"),
    "not enabled": AnswerFault(status=403, code="OptInRequired", message="x"),
    "bad request": AnswerFault(status=400, code="BadRequestException", message="x"),
}
LISTS = (
    "GetClientCertificates",
    "GetRestApis",
    "GetApis",
    "apigateway:GetStages",
    "apigatewayv2:GetStages",
    "DescribeCertificate",
)


@pytest.fixture
def healthy(aws, monkeypatch):
    """Seed two healthy regions."""
    monkeypatch.setenv("AWS_REGION", EAST)
    # Retries come at once, because botocore's pauses are not tested here.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    both = [
        seed
        for region in (EAST, WEST)
        for seed in (
            SeedCertificate(id="fine01", region=region, expires_at=LATER),
            SeedApi(id="rest1", region=region, stages={"prod": "fine01", "dev": None}),
            SeedApi(id="rest2", region=region, stages={"prod": "fine01"}),
            SeedApi(id="sock1", region=region, kind="websocket", stages={"live": "fine01"}),
        )
    ]
    aws.seed(*both, SeedAcm(arn=ARN, expires_at=LATER), SeedApi(id="rest3", stages={"acm": ARN}))
    return aws


@pytest.fixture
def scan(scanned):
    def run(regions=(EAST, WEST), *, timeout=20.0):
        found = scanned(regions, timeout=timeout)
        return found, judge(found, None, Run(as_of=NOW, policy=Policy()))

    return run


def test_without_a_fault_it_is_clean(healthy, scan):
    """Without a fault the scan is clean."""
    _, outcome = scan()
    assert (outcome.verdict, outcome.findings) == (Verdict.CLEAN, ())


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize("operation", LISTS)
def test_i4_a_list_that_fails_in_one_region_makes_it_unverified_and_no_other(
    healthy, scan, operation, fault
):
    """I4: a failed list makes its region unverified, and the other region is complete."""
    healthy.faults.inject(operation, fault, region=EAST)
    scanned, outcome = scan()
    east, west = (
        next(each for each in scanned.sweeps if each.place.region == region)
        for region in (EAST, WEST)
    )
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert {finding.source for finding in outcome.findings} == {f"aws://123456789012/{EAST}"}
    assert (len(west.stages), west.unread) == (4, ())
    assert west.certificates
    assert all(isinstance(said, Found) for said in west.certificates.values())
    gone = [key.id for key, said in east.certificates.items() if not isinstance(said, Found)]
    assert east.unread or gone == [ARN]


@pytest.mark.parametrize(
    "fault", [FAULTS[name] for name in ("denied", "throttled", "page", "dropped")]
)
@pytest.mark.parametrize("operation", ["apigateway:GetStages", "apigatewayv2:GetStages"])
def test_i4_one_api_that_fails_among_others_is_named(healthy, scan, operation, fault):
    """I4: one failed API among others makes the scan inconclusive and is named."""
    healthy.faults.inject(
        operation, fault, region=EAST, after=1 if operation.startswith("apigateway:") else 0
    )
    scanned, outcome = scan()
    assert outcome.verdict is Verdict.INCONCLUSIVE
    (east,) = (each for each in scanned.sweeps if each.place.region == EAST)
    assert any("the stages of" in part.path for part in east.unread)


@pytest.mark.parametrize(
    "fault", [FAULTS[name] for name in ("throttled", "page", "dropped", "page 403")]
)
def test_i4_an_account_that_nobody_names_is_not_clean(healthy, scan, fault):
    """I4: if the account cannot be identified, the scan is inconclusive."""
    healthy.faults.inject("GetCallerIdentity", fault)
    scanned, outcome = scan()
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert any(
        "whose the credentials are" in part.path
        for sweep in scanned.sweeps
        for part in sweep.unread
    )


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_i4_regions_that_nobody_lists_are_not_guessed(healthy, scan, fault):
    """I4: if `--all-regions` cannot list regions, nothing is scanned, and the scan is
    inconclusive.
    """
    healthy.faults.inject("DescribeRegions", fault)
    scanned, outcome = scan(None)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert [sweep.place.region for sweep in scanned.sweeps] == [None]
    assert healthy.calls("GetRestApis") == ()


@pytest.mark.parametrize("operation", [*LISTS, "GetCallerIdentity", "DescribeRegions"])
def test_i4_a_server_that_falls_silent_ends_the_wait(healthy, scan, operation):
    """I4: a silent server ends the wait at the timeout, and its part is unverified."""
    healthy.faults.inject(operation, Hang(100), region=EAST)
    scanned, outcome = scan(None if operation == "DescribeRegions" else (EAST, WEST), timeout=8.0)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert any("was not answered" in finding.message for finding in outcome.findings)
    assert [sweep.unread for sweep in scanned.sweeps if sweep.place.region == WEST] in ([()], [])


def test_expired_credentials_are_said_once(healthy, scan):
    """Expired credentials are one finding, not one per list and region."""
    healthy.faults.inject("*", FAULTS["expired"])
    scanned, outcome = scan()
    assert [finding.source for finding in outcome.findings] == ["aws://unknown"]
    assert "expired" in outcome.findings[0].message
    assert len(scanned.sweeps) == 1


def test_a_certificate_that_was_made_while_stages_were_listed_is_not_gone(healthy, scan):
    """A certificate created during the scan is found in a second list, and is not gone."""
    healthy.seed(SeedApi(id="rest9", stages={"prod": "new001", "lost": "gone01"}))
    watched = healthy.faults.meet

    def made_meanwhile(call):
        if call.matches("GetApis") and call.region == EAST:
            _until(lambda: healthy.calls("GetClientCertificates"))
            healthy.seed(SeedCertificate(id="new001", expires_at=LATER))
        return watched(call)

    healthy.faults.meet = made_meanwhile
    try:
        _, outcome = scan((EAST,))
    finally:
        healthy.faults.meet = watched
    assert [finding.certificate_id for finding in outcome.findings] == ["gone01"]
    assert len(healthy.calls("GetClientCertificates")) == 2


def _until(met):
    end = time.monotonic() + 10
    while not met() and time.monotonic() < end:
        time.sleep(0.02)


@pytest.mark.parametrize("operation", ["apigateway:GetStages", "apigatewayv2:GetStages"])
def test_i4_an_api_that_was_listed_and_is_then_not_there(healthy, scan, operation):
    """I4: an API that disappears during the scan makes it inconclusive."""
    healthy.faults.inject(
        operation,
        AnswerFault(
            status=404, code="NotFoundException", message="Invalid API identifier specified"
        ),
        region=EAST,
    )
    scanned, outcome = scan()
    assert outcome.verdict is Verdict.INCONCLUSIVE
    (east,) = (each for each in scanned.sweeps if each.place.region == EAST)
    assert any("listed the API a moment ago" in part.reason for part in east.unread)


def test_i4_a_stage_that_is_listed_twice_is_refused():
    """I4: a stage that is listed twice is refused."""
    one = {"stageName": "prod", "clientCertificateId": "fine01"}
    with pytest.raises(ValueError, match="stage prod is in the answer twice"):
        once(
            parse_rest_stage("a", None, item) for item in (one, one | {"clientCertificateId": None})
        )
    assert (
        len(once(parse_rest_stage("a", None, item) for item in (one, one | {"stageName": "dev"})))
        == 2
    )
