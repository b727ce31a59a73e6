"""Tests of the faults that can be injected into the emulator, as a caller sees them."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ParamValidationError,
    ReadTimeoutError,
)

from checker.demo.emulator import (
    AnswerFault,
    Drop,
    Hang,
    ProxyPage,
    RecordedCall,
    SeedApi,
    access_denied,
    throttled,
    unavailable,
)


def code(refused):
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (access_denied(), (403, "AccessDeniedException")),
        (throttled(), (429, "TooManyRequestsException")),
        (unavailable(), (503, "ServiceUnavailableException")),
        (unavailable(500), (500, "InternalFailure")),
        (
            AnswerFault(status=403, code="ExpiredTokenException", message="expired"),
            (403, "ExpiredTokenException"),
        ),
    ],
)
def test_an_operation_answers_with_an_error(aws, gateway, fault, expected):
    """The named operation answers with the injected error, and no other operation does."""
    aws.faults.inject("GetClientCertificates", fault)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            gateway.get_client_certificates()
        assert code(refused) == expected
    assert gateway.get_rest_apis()["items"] == []


def test_a_denial_says_who_may_not_do_what(aws, gateway):
    """AccessDenied names the action and the resource that a policy must allow."""
    aws.faults.inject("GetClientCertificate", access_denied())
    with pytest.raises(
        ClientError,
        match="apigateway:GET on resource: arn:aws:apigateway:us-east-1::/clientcertificates/abc123",
    ):
        gateway.get_client_certificate(clientCertificateId="abc123")


def test_sts_answers_with_an_error_in_its_own_form(aws):
    """A fault of STS is XML and has the code that STS uses."""
    aws.faults.inject("sts:GetCallerIdentity", access_denied())
    with pytest.raises(ClientError) as refused:
        aws.client("sts").get_caller_identity()
    assert code(refused) == (403, "AccessDenied")


def test_a_fault_ends_after_its_count(aws, gateway):
    """A fault with `times=2` and `after=1` affects the second and third call only, and a caller
    that retries succeeds.
    """
    aws.faults.inject("GetRestApis", throttled(), times=2, after=1)
    outcomes = []
    for _ in range(4):
        try:
            gateway.get_rest_apis()
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["ok", "TooManyRequestsException", "TooManyRequestsException", "ok"]
    aws.faults.inject("GetRestApis", unavailable(), times=1)
    aws.client("apigateway", retries={"mode": "standard", "total_max_attempts": 3}).get_rest_apis()


def test_a_star_means_everything(aws, gateway):
    """A fault of `*` affects the calls of every service until the faults are cleared."""
    aws.faults.inject("*", access_denied())
    for call in (gateway.get_rest_apis, aws.client("sts").get_caller_identity):
        with pytest.raises(ClientError):
            call()
    aws.faults.clear()
    gateway.get_rest_apis()


def test_the_two_versions_are_told_apart(aws, gateway):
    """A pattern with a service affects that version of API Gateway only, although both have a
    GetStages.
    """
    aws.seed(SeedApi(id="orders"), SeedApi(id="chat", kind="websocket"))
    aws.faults.inject("apigatewayv2:GetStages", access_denied())
    gateway.get_stages(restApiId="orders")
    with pytest.raises(ClientError):
        aws.client("apigatewayv2").get_stages(ApiId="chat")


def test_a_connection_is_dropped(aws, gateway):
    """A dropped connection is closed without an answer, and the next call is answered."""
    aws.faults.inject("GetRestApis", Drop(), times=1)
    with pytest.raises(ConnectionClosedError):
        gateway.get_rest_apis()
    gateway.get_rest_apis()


def test_a_call_hangs_until_the_caller_gives_up(aws):
    """A hung call gets no answer, and other calls are answered meanwhile."""
    aws.faults.inject("GetRestApis", Hang())
    impatient = aws.client("apigateway", read_timeout=0.3)
    with pytest.raises(ReadTimeoutError):
        impatient.get_rest_apis()
    impatient.get_client_certificates()


def test_a_hang_has_an_end(aws, gateway):
    """The connection of a hung call is closed after the given seconds."""
    aws.faults.inject("GetRestApis", Hang(0.2))
    began = time.monotonic()
    with pytest.raises(ConnectionClosedError):
        gateway.get_rest_apis()
    assert 0.2 <= time.monotonic() - began < 10


def test_a_proxy_answers_with_a_page(aws, gateway):
    """A proxy's HTML page with any status can replace an answer; boto3 reads one with 200 as an
    empty list.
    """
    aws.seed(SeedApi(id="orders"))
    aws.faults.inject("GetRestApis", ProxyPage(), times=1)
    page = gateway.get_rest_apis()
    assert "items" not in page
    assert page["ResponseMetadata"]["HTTPHeaders"]["content-type"].startswith("text/html")
    aws.faults.inject("GetRestApis", ProxyPage(407))
    with pytest.raises(ClientError, match="407"):
        gateway.get_rest_apis()


def test_all_but_some_operations_are_denied(aws, gateway):
    """`allow_only` denies all operations but the named ones; GetCallerIdentity needs no
    permission.
    """
    aws.faults.allow_only("GetClientCertificate*", "apigateway:GetStages")
    gateway.get_client_certificates()
    aws.client("sts").get_caller_identity()
    with pytest.raises(ClientError) as refused:
        gateway.generate_client_certificate()
    assert code(refused) == (403, "AccessDeniedException")
    aws.faults.clear()
    gateway.get_rest_apis()


def test_every_call_is_in_the_log(aws, gateway):
    """The log lists each call in order with operation, account, region, method and path, including
    failed calls.
    """
    aws.faults.inject("GetClientCertificates", access_denied())
    gateway.get_rest_apis()
    with pytest.raises(ClientError):
        aws.client("apigateway", region="eu-west-1").get_client_certificates()
    with pytest.raises(ParamValidationError):
        gateway.get_stages()
    aws.client("sts").get_caller_identity()
    first, second, third = aws.calls()
    assert first == RecordedCall(
        service="apigateway",
        operation="GetRestApis",
        account="123456789012",
        region="us-east-1",
        method="GET",
        path="/restapis",
    )
    assert (second.operation, second.region, second.path) == (
        "GetClientCertificates",
        "eu-west-1",
        "/clientcertificates",
    )
    assert (third.service, third.operation, third.method) == ("sts", "GetCallerIdentity", "POST")
    assert aws.calls("sts:*") == (third,)
    aws.forget_calls()
    assert aws.calls() == ()


def test_a_call_knows_what_a_policy_must_allow(aws):
    """The log names the IAM action and resource of a call.

    A WebSocket API's path is without its version.
    """
    aws.seed(SeedApi(id="chat", kind="websocket"))
    aws.client("apigatewayv2").get_stages(ApiId="chat")
    assert [call.iam for call in aws.calls()] == [
        ("apigateway:GET", "arn:aws:apigateway:us-east-1::/apis/chat/stages")
    ]


def test_what_the_emulator_lacks_says_so(gateway):
    """An operation that the emulator lacks is answered with 501 and its name, which an SDK does not
    retry.
    """
    with pytest.raises(ClientError, match="get_sdk_types") as refused:
        gateway.get_sdk_types()
    assert code(refused) == (501, "NotImplemented")


def test_a_region_that_is_none(aws):
    """A call that is signed for a region without API Gateway is refused with AWS's error for a
    wrong signature.
    """
    with pytest.raises(ClientError) as refused:
        aws.client("apigateway", region="mars-north-1").get_rest_apis()
    assert code(refused) == (403, "InvalidSignatureException")
