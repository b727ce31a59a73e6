"""Observing ACM certificates that stages name, on the emulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from counting import calls

from checker.aws.session import RequestPace
from checker.demo.emulator import (
    AnswerFault,
    Hang,
    ProxyPage,
    SeedAcm,
    SeedCertificate,
    access_denied,
)
from checker.model.observation import AcmDoesNotRenew, AcmRenews, Found, Gone, Unanswered

ENDS = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
OTHER = ARN[:-1] + "2"
THEIRS = ARN.replace("123456789012", "222222222222")


def renewal(aws, key, look, **seed):
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS, **seed))
    return look([key(ARN)]).certificates[key(ARN)].renewal


def test_a_certificate_of_acm_is_asked_of_acm_alone(aws, key, look):
    """An ACM certificate is asked only of ACM."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS))

    seen = look([key(ARN)])

    assert seen.certificates[key(ARN)] == Found(
        expires_at=ENDS, created_at=ENDS - timedelta(days=365), renewal=AcmRenews()
    )
    assert calls(seen) == {"DescribeCertificate": 1, "GetCallerIdentity": 1}


def test_without_an_arn_acm_is_not_asked(aws, key, look):
    """Without an ACM ARN, ACM is not called."""
    aws.seed(SeedCertificate(id="abc123"), SeedAcm(arn=ARN, expires_at=ENDS))

    look([key("abc123")])

    assert aws.calls("acm:*") == ()


@pytest.mark.parametrize("state", [None, "SUCCESS", "PENDING_AUTO_RENEWAL"])
def test_what_acm_issued_and_calls_eligible_renews_itself(aws, key, look, state):
    """An eligible certificate that ACM issued renews itself, unless ACM reports a failure."""
    assert renewal(aws, key, look, renewal=state) == AcmRenews()


@pytest.mark.parametrize(
    ("seed", "reason"),
    [
        ({"kind": "IMPORTED", "eligible": False}, "imported"),
        ({"kind": "IMPORTED", "eligible": True}, "imported"),
        ({"eligible": False}, "not mark it as eligible"),
        (
            {"renewal": "FAILED", "renewal_reason": "PCA_ACCESS_DENIED"},
            "failed (PCA_ACCESS_DENIED)",
        ),
        ({"renewal": "FAILED"}, "failed"),
        ({"kind": "AMAZON_ISSUED", "renewal": "PENDING_VALIDATION"}, "validated"),
    ],
)
def test_what_acm_will_not_renew_says_why(aws, key, look, seed, reason):
    """A certificate that ACM does not renew has a reason and a remedy."""
    said = renewal(aws, key, look, **seed)
    assert isinstance(said, AcmDoesNotRenew)
    assert reason in said.reason
    assert said.remedy


@pytest.mark.parametrize("status", ["REVOKED", "FAILED", "PENDING_VALIDATION", "INACTIVE"])
def test_one_that_is_not_issued_is_not_taken_for_good(aws, key, look, status):
    """I4: a certificate that is not ISSUED is unanswered."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS, status=status))
    answer = look([key(ARN)]).certificates[key(ARN)]
    assert isinstance(answer, Unanswered)
    assert status in answer.reason


def test_one_that_acm_does_not_know_is_gone_in_its_own_account(aws, key, look):
    """A certificate that ACM does not have is gone if the caller's account is that of the ARN."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS))
    keys = [key(ARN), key(OTHER), key(OTHER, account=None, region="eu-west-1")]

    seen = look(keys).certificates

    assert isinstance(seen[keys[0]], Found)
    assert seen[keys[1]] == seen[keys[2]] == Gone()
    assert {call.region for call in aws.calls("DescribeCertificate")} == {"us-east-1"}
    assert len(aws.calls("DescribeCertificate")) == 2


def test_one_of_another_account_is_unanswered_and_not_asked_for(aws, key, look):
    """A certificate of another account is unanswered, and ACM is not called."""
    answer = look([key(THEIRS)]).certificates[key(THEIRS)]
    assert isinstance(answer, Unanswered)
    assert "222222222222" in answer.reason
    assert aws.calls("acm:*") == ()


def test_without_sts_nothing_of_acms_is_called_gone(aws, key, look):
    """Without an answer of STS, a missing ACM certificate is unanswered, not gone."""
    aws.seed(SeedAcm(arn=ARN, expires_at=ENDS))
    aws.faults.inject("GetCallerIdentity", access_denied())

    seen = look([key(ARN), key(OTHER)]).certificates

    assert isinstance(seen[key(ARN)], Found)
    assert isinstance(seen[key(OTHER)], Unanswered)


def test_a_denial_touches_what_is_of_acm_alone_and_names_the_action(aws, key, look):
    """A denied ACM call affects only ACM certificates, and the reason names the action."""
    aws.seed(SeedCertificate(id="abc123"), SeedAcm(arn=ARN, expires_at=ENDS))
    aws.faults.inject("DescribeCertificate", access_denied())

    seen = look([key("abc123"), key(ARN)]).certificates

    assert isinstance(seen[key("abc123")], Found)
    assert isinstance(seen[key(ARN)], Unanswered)
    assert "acm:DescribeCertificate" in seen[key(ARN)].reason


def test_where_nothing_is_answered_no_more_is_asked(aws, key, look):
    """After throttling until the time limit, no other ACM certificate is asked."""
    aws.faults.inject(
        "DescribeCertificate",
        AnswerFault(status=400, code="ThrottlingException", message="Rate exceeded"),
    )

    seen = look([key(ARN), key(OTHER)], timeout=30.0)

    assert {type(answer) for answer in seen.certificates.values()} == {Unanswered}
    assert len({call.resource for call in aws.calls("DescribeCertificate")}) == 1


def test_a_page_of_a_proxy_is_no_answer_of_acms(aws, key, look):
    """A proxy's page is not taken for an answer of ACM."""
    aws.faults.inject("DescribeCertificate", ProxyPage())
    assert isinstance(look([key(ARN)]).certificates[key(ARN)], Unanswered)


def test_an_answer_about_another_certificate_is_none(web, key, look):
    """An answer about another ARN is not accepted."""
    detail = {
        "CertificateArn": OTHER,
        "Status": "ISSUED",
        "NotAfter": 1803902400,
        "Type": "PRIVATE",
    }
    web(
        lambda *_: (200, "application/x-amz-json-1.1", json.dumps({"Certificate": detail}).encode())
    )
    answer = look([key(ARN)]).certificates[key(ARN)]
    assert isinstance(answer, Unanswered)
    assert "not by AWS" in answer.reason


def test_a_server_that_never_answers_ends_with_the_timeout(aws, key, look):
    """A silent ACM ends with the timeout, and the reason names DescribeCertificate."""
    aws.faults.inject("DescribeCertificate", Hang())
    answer = look([key(ARN)], timeout=1.0).certificates[key(ARN)]
    assert isinstance(answer, Unanswered)
    assert "DescribeCertificate" in answer.reason


@pytest.mark.parametrize(
    "id_",
    [
        "arn:aws:iam::123456789012:server-certificate/x",
        "arn:aws:acm",
        "arn:aws:acm:::certificate/x",
    ],
)
def test_an_arn_of_anything_else_is_unanswered_and_asks_nothing(aws, key, look, id_):
    """An ARN that is not ACM's is unanswered without a call."""
    assert isinstance(look([key(id_)]).certificates[key(id_)], Unanswered)
    assert aws.calls() == ()


def test_acm_has_a_pace_of_its_own(aws, key, look, monkeypatch):
    """ACM has its own request pace, separate from API Gateway's."""
    paces = []

    class Counted(RequestPace):
        def __init__(self):
            super().__init__()
            self.waits = 0
            paces.append(self)

        def wait(self):
            self.waits += 1
            super().wait()

    monkeypatch.setattr("checker.aws.session.RequestPace", Counted)
    aws.seed(
        SeedCertificate(id="abc123"),
        SeedAcm(arn=ARN, expires_at=ENDS),
        SeedAcm(arn=OTHER, expires_at=ENDS),
    )

    seen = look([key("abc123"), key(ARN), key(OTHER)], timeout=60.0)

    assert {type(answer) for answer in seen.certificates.values()} == {Found}
    assert sorted(pace.waits for pace in paces) == [1, 2]
