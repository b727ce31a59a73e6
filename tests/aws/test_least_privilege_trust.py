"""`--trust` reads each consumer with one call, and its IAM policy allows exactly these calls."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from granting import allows, grants
from moto.core.responses import ActionResult
from msgspec.structs import replace

from checker.aws.boto_gateway import BotoGateways
from checker.aws.connection import Connection
from checker.aws.trust import _is_safe, read_held
from checker.demo.emulator import AnswerFault, Drop, Hang, ProxyPage, access_denied
from checker.demo.emulator.trust_stores import LoadBalancing
from checker.model.address import parse
from checker.model.places import Place
from checker.model.policy import AccountAccess
from checker.model.trust import LARGEST_BUNDLE, TrustMaterial
from checker.model.x509 import fingerprint_of

MARK = "TAINTTAINT"
HERE = Place("aws", "123456789012", "us-east-1")
BUCKET, KEY = "your-trust-bucket", "live/ca.pem"
STORE, OBJECT, PARAMETER, SECRET = (
    "aws_lb_trust_store.ca",
    "aws_s3_object.ca",
    "aws_ssm_parameter.ca",
    "aws_secretsmanager_secret_version.ca",
)
ACTIONS = {
    STORE: ("GetTrustStoreCaCertificatesBundle", "elasticloadbalancing:GetTrustStoreCa"),
    OBJECT: ("GetObject", "s3:GetObject"),
    PARAMETER: ("GetParameter", "ssm:GetParameter"),
    SECRET: ("GetSecretValue", "secretsmanager:GetSecretValue"),
}


def material(address, *names, arn=None, place=HERE):
    return TrustMaterial(address=parse(address), names=names, arn=arn, place=place)


@pytest.fixture
def pems(aws):
    gateway = aws.client("apigateway")
    return [gateway.generate_client_certificate()["pemEncodedCertificate"] for _ in range(2)]


@pytest.fixture
def everything(aws, pems):
    """Return one resource of each kind with both certificates, as state records them."""
    both = "\n".join(pems)
    s3, elb = aws.client("s3"), aws.client("elbv2")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=both.encode())
    store = elb.create_trust_store(
        Name="ca", CaCertificatesBundleS3Bucket=BUCKET, CaCertificatesBundleS3Key=KEY
    )["TrustStores"][0]["TrustStoreArn"]
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="your-trust-parameter", Value=f"# {MARK}\n{both}", Type="SecureString")
    parameter = ssm.get_parameter(Name="your-trust-parameter")["Parameter"]["ARN"]
    secret = aws.client("secretsmanager").create_secret(
        Name="your-trust-secret", SecretString=json.dumps({"password": MARK, "ca": both})
    )["ARN"]
    aws.forget_calls()
    return (
        material(STORE, store, arn=store),
        material(OBJECT, BUCKET, KEY),
        material(PARAMETER, "your-trust-parameter", arn=parameter),
        material(SECRET, secret, arn=secret),
    )


@pytest.fixture
def read(aws, monkeypatch):
    """Return a function that reads resources from the emulator, by address."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)

    def ask(materials, **connection):
        gateways = BotoGateways(Connection(**{"timeout": 20.0, **connection}))
        held = read_held([("state.json", each) for each in materials], gateways)
        assert MARK not in repr(held)
        return {str(each.consumer): each for each in held}

    return ask


def test_each_is_read_by_its_own_call_and_only_fingerprints_are_kept(aws, pems, everything, read):
    """Each resource is read with one call, and only fingerprints are kept, in the order of the
    bundle.
    """
    held = read(everything)
    expected = [fingerprint_of(pem) for pem in pems]
    for address, one in held.items():
        assert [each.fingerprint for each in one.certificates or ()] == expected, one.reason
        assert one.source.startswith(f"{ACTIONS[address][0]} ")
        assert one.document == "state.json"
    calls = aws.calls()
    assert sorted(call.operation for call in calls) == sorted(
        [*(operation for operation, _ in ACTIONS.values()), "GetBundle"]
    )


def test_the_policy_allows_every_call_and_each_of_its_lines_is_needed(aws, everything, read):
    """The policy allows each call of `--trust`, and each grant is needed."""
    read(everything)
    calls = [call for call in aws.calls() if call.service != "presigned"]
    policy = grants("check-trust.json")
    assert [call for call in calls if not any(allows(grant, call) for grant in policy)] == []
    assert [grant for grant in policy if not any(allows(grant, call) for call in calls)] == []


def test_the_policy_names_neither_a_wildcard_action_nor_a_write():
    """The policy has only read actions, on named secrets, parameters and objects."""
    policy = dict(grants("check-trust.json"))
    assert set(policy) == {
        "elasticloadbalancing:GetTrustStoreCaCertificatesBundle",
        "s3:GetObject",
        "ssm:GetParameter",
        "secretsmanager:GetSecretValue",
    }
    for action, resource in policy.items():
        if not action.startswith("elasticloadbalancing"):
            assert "your-trust-" in resource


@pytest.mark.parametrize("address", [STORE, OBJECT, PARAMETER, SECRET])
def test_a_denied_action_is_not_confirmed_and_the_remedy_names_it(aws, everything, read, address):
    """A denied read is not confirmed, the remedy names the action, and the others are read."""
    operation, action = ACTIONS[address]
    aws.faults.inject(operation, access_denied())
    held = read(everything)
    one = held.pop(address)
    assert one.certificates is None
    assert "denied" in one.reason
    assert f"allow {action}" in one.reason
    if address != OBJECT:
        assert "see policies/iam/check-trust.json" in one.reason
    assert all(each.certificates for each in held.values())
    allowed = {name for name, _ in ACTIONS.values()} | {"GetBundle"}
    assert {call.operation for call in aws.calls()} <= allowed


def test_everything_is_answered_where_all_other_operations_are_denied(aws, everything, read):
    aws.faults.allow_only(*(operation for operation, _ in ACTIONS.values()))
    assert all(each.certificates for each in read(everything).values())


def test_what_does_not_exist_is_said_to_be_missing(aws, everything, read):
    """A missing resource is not confirmed, and is not an empty bundle."""
    gone = (
        material(STORE, everything[0].names[0] + "0", arn=everything[0].names[0] + "0"),
        material(OBJECT, BUCKET, "missing.pem"),
        material(PARAMETER, "missing", arn="arn:aws:ssm:us-east-1:123456789012:parameter/missing"),
        material(SECRET, everything[3].names[0] + "0", arn=everything[3].names[0] + "0"),
    )
    for one in read(gone).values():
        assert one.certificates is None
        assert "does not exist" in one.reason or "no such object" in one.reason


def test_a_resource_of_the_same_name_in_another_account_is_no_evidence(aws, pems, read):
    """A resource of the same name in another account is not confirmed."""
    aws.client("ssm", account="222222222222").put_parameter(
        Name="your-trust-parameter", Value=pems[0], Type="String"
    )
    recorded = "arn:aws:ssm:us-east-1:123456789012:parameter/your-trust-parameter"
    (one,) = read(
        [material(PARAMETER, "your-trust-parameter", arn=recorded)],
        role_arn="arn:aws:iam::222222222222:role/reader",
    ).values()
    assert one.certificates is None
    assert "another resource" in one.reason


def test_the_role_of_its_account_reads_it(aws, pems, read):
    ssm = aws.client("ssm", account="222222222222")
    ssm.put_parameter(Name="your-trust-parameter", Value=pems[0], Type="String")
    arn = ssm.get_parameter(Name="your-trust-parameter")["Parameter"]["ARN"]
    found = material(
        PARAMETER, "your-trust-parameter", arn=arn, place=replace(HERE, account="222222222222")
    )
    access = AccountAccess(account="222222222222", role="reader")
    (one,) = read([found], accounts=(access,)).values()
    assert one.certificates is not None, one.reason


def test_a_name_that_the_document_does_not_show_is_not_asked(aws, read):
    for one in read([material(each) for each in ACTIONS]).values():
        assert one.certificates is None
        assert "does not show its name" in one.reason
    assert aws.calls() == ()


@pytest.mark.parametrize(
    "text", [MARK, "", f"-----BEGIN CERTIFICATE-----\n{MARK}\n-----END CERTIFICATE-----"]
)
def test_content_without_a_readable_certificate_is_not_confirmed(aws, read, text):
    """Content without a readable certificate is not confirmed, and is not quoted."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=text.encode())
    (one,) = read([material(OBJECT, BUCKET, KEY)]).values()
    assert one.certificates is None
    assert one.reason.startswith("its content ")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (AnswerFault(status=403, code="AccessDenied", message=MARK), "HTTP 403"),
        (AnswerFault(status=302, code="Found", message=MARK), "HTTP 302"),
        (ProxyPage(), "has no certificate in PEM form"),
        (Drop(), "the connection broke off"),
    ],
)
def test_the_presigned_url_may_fail_too(aws, everything, read, fault, says):
    aws.faults.inject("presigned:GetBundle", fault)
    (one,) = read(everything[:1]).values()
    assert one.certificates is None
    assert says in one.reason


def test_an_answer_that_hangs_is_left_after_the_time(aws, everything, read):
    aws.faults.inject("presigned:GetBundle", Hang(seconds=20))
    began = time.monotonic()
    (one,) = read(everything[:1], timeout=1.0).values()
    assert time.monotonic() - began < 10
    assert one.certificates is None


def test_an_object_that_is_larger_than_any_bundle_is_refused(aws, read):
    aws.client("s3").create_bucket(Bucket=BUCKET)
    aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"\n" * (LARGEST_BUNDLE + 1))
    (one,) = read([material(OBJECT, BUCKET, KEY)]).values()
    assert one.certificates is None
    assert "larger than" in one.reason


AWS = "https://elasticloadbalancing.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("location", "endpoint", "safe"),
    [
        ("https://b.s3.us-east-1.amazonaws.com/k?X-Amz-Expires=600", AWS, True),
        ("https://s3.us-east-1.amazonaws.com/b/k", AWS, True),
        ("https://b.s3.amazonaws.com/k", AWS, True),
        ("https://b.s3.eu-west-1.amazonaws.com/k", AWS, False),
        ("http://b.s3.us-east-1.amazonaws.com/k", AWS, False),
        ("https://b.s3.us-east-1.amazonaws.com:8443/k", AWS, False),
        ("https://me@b.s3.us-east-1.amazonaws.com/k", AWS, False),
        ("https://us-east-1.amazonaws.com.example.com/k", AWS, False),
        ("https://169.254.169.254/latest/meta-data", AWS, False),
        ("https://127.0.0.1/k", AWS, False),
        ("file:///etc/passwd", AWS, False),
        ("https://b.s3.us-east-1.amazonaws.com:x/k", AWS, False),
        ("http://127.0.0.1:5000/k", "http://127.0.0.1:5000", True),
        ("http://127.0.0.1:5001/k", "http://127.0.0.1:5000", False),
        ("https://b.s3.us-east-1.amazonaws.com/k", "http://127.0.0.1:5000", False),
    ],
)
def test_a_presigned_url_is_fetched_only_from_s3_of_the_region_or_from_the_override(
    location, endpoint, safe
):
    assert _is_safe(location, "us-east-1", endpoint) == safe


def test_an_answer_with_an_address_somewhere_else_is_not_followed(
    aws, everything, read, monkeypatch
):
    """A bundle URL on another host than AWS is not followed."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        location = f"http://127.0.0.1:{other.server_address[1]}/latest/meta-data"
        monkeypatch.setattr(
            LoadBalancing,
            "get_trust_store_ca_certificates_bundle",
            lambda _: ActionResult({"Location": location}),
        )
        (one,) = read(everything[:1]).values()
        other.shutdown()
    assert asked == []
    assert one.certificates is None
    assert "an address that is not one of S3 in region us-east-1" in one.reason
