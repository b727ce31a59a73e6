"""Failures between tfcert and AWS are unanswered, never gone."""

from __future__ import annotations

import json
import socket
import time

import pytest
from counting import calls

from checker.aws import Connection
from checker.demo.emulator import (
    AnswerFault,
    Drop,
    Hang,
    ProxyPage,
    SeedApi,
    SeedCertificate,
    access_denied,
    throttled,
    unavailable,
)
from checker.model.observation import Found, Gone, Unanswered
from checker.model.places import Place

LIST = "GetClientCertificates"
SECRET = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
QUOTED = (
    f"The Canonical String should have been 'GET /clientcertificates x-amz-security-token:{SECRET}'"
)


def answer(status, code, message="no"):
    return AnswerFault(status=status, code=code, message=message)


@pytest.mark.parametrize(
    ("fault", "reason", "remedy"),
    [
        (access_denied(), "lack apigateway:GET on /clientcertificates", "policies/iam/check.json"),
        (
            answer(
                403, "AccessDeniedException", "x with an explicit deny in a service control policy"
            ),
            "service control policy",
            "",
        ),
        (answer(401, "UnauthorizedException"), "lack apigateway:GET on /clientcertificates", ""),
        (answer(403, "ExpiredTokenException"), "credentials have expired", "sign in again"),
        (
            answer(403, "UnrecognizedClientException"),
            "does not know these credentials",
            "region is not enabled",
        ),
        (
            answer(403, "InvalidClientTokenId"),
            "does not know these credentials",
            "region is not enabled",
        ),
        (answer(403, "OptInRequired"), "region is not enabled", "enable the region"),
        (
            answer(403, "InvalidSignatureException", QUOTED),
            "signature is wrong",
            "secret access key",
        ),
        (
            answer(403, "InvalidSignatureException", f"Signature expired: {QUOTED}"),
            "clock is wrong",
            "set the clock",
        ),
        (answer(403, "SignatureDoesNotMatch", QUOTED), "signature is wrong", ""),
        (answer(400, "BadRequestException", QUOTED), "BadRequestException (HTTP 400)", ""),
        (answer(418, f"Bad<{SECRET}>", QUOTED), "an unnamed error (HTTP 418)", ""),
        (throttled(), "throttled", "10 calls a second"),
        (unavailable(), "HTTP 503", "later"),
        (unavailable(500), "HTTP 500", "later"),
        (Drop(), "connection broke off", "proxy"),
        (ProxyPage(), "not by AWS", "proxy"),
        (ProxyPage(status=403), "HTTP 403 by another server than AWS", "proxy"),
        (ProxyPage(status=407), "HTTP 407 by another server than AWS", "proxy"),
        (ProxyPage(status=302), "HTTP 302 by another server than AWS", "proxy"),
        (ProxyPage(status=404), "HTTP 404 by another server than AWS", "proxy"),
        (ProxyPage(status=502), "HTTP 502", ""),
    ],
)
def test_a_list_that_fails_leaves_its_certificates_unanswered_and_says_why(
    aws, key, look, fault, reason, remedy
):
    """A failed list gives a reason with operation, region and account, without the server's own
    text.
    """
    aws.seed(SeedCertificate(id="abc123"))
    aws.faults.inject(LIST, fault)

    seen = look([key("abc123"), key("abc124")], timeout=20)

    assert seen.asked
    for got in seen.certificates.values():
        assert isinstance(got, Unanswered)
        assert reason in got.reason
        assert "GetClientCertificates in region us-east-1 (endpoint 127.0.0.1:" in got.reason
        assert remedy in got.remedy
        assert SECRET not in got.reason + got.remedy
    assert len(seen.certificates) == 2


@pytest.mark.parametrize("fault", [throttled(), unavailable(), Drop()])
def test_what_fails_once_is_asked_again(aws, key, look, fault):
    """A failure that occurs once is retried, and each attempt is counted."""
    aws.seed(SeedCertificate(id="abc123"))
    aws.faults.inject(LIST, fault, times=1)

    seen = look([key("abc123")])

    assert isinstance(seen.certificates[key("abc123")], Found)
    assert calls(seen)[LIST] == len(aws.calls(LIST)) == 2


def test_a_denial_is_not_asked_again_and_nothing_else_is_asked_for_it(aws, key, stage, look):
    """A denied list is not retried, and no stage is asked for proof."""
    aws.faults.inject(LIST, access_denied())

    look([key("abc123", account=None)], anchors=[stage("api1", "prod")])

    assert len(aws.calls(LIST)) == 1
    assert aws.calls("GetStage") == ()


def test_after_a_failed_connection_no_other_proof_is_asked_for(aws, key, stage, look):
    """After a failed connection, no other stage is asked for proof."""
    aws.faults.inject("GetStage", Drop())
    keys = [key(f"abc{n:03}", account=None) for n in range(5)]

    seen = look(keys, anchors=[stage(f"api{n}", "prod") for n in range(3)])

    assert set(map(type, seen.certificates.values())) == {Unanswered}
    assert len({call.path for call in aws.calls("GetStage")}) == 1


@pytest.mark.parametrize("fault", [Drop(), ProxyPage(), ProxyPage(status=403), unavailable()])
def test_an_sts_that_fails_leaves_what_was_found_and_calls_nothing_gone(aws, key, look, fault):
    """A failing STS leaves found certificates found, and calls none gone."""
    aws.seed(SeedCertificate(id="here00"))
    aws.faults.inject("GetCallerIdentity", fault)

    seen = look([key("here00"), key("gone00")]).certificates

    assert isinstance(seen[key("here00")], Found)
    assert isinstance(seen[key("gone00")], Unanswered)


def test_no_credentials_are_said_to_be_missing(aws, key, look, monkeypatch):
    """Missing credentials are the reason in each region, and nothing is sent."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    seen = look([key("abc123"), key("abc123", region="eu-west-1")])

    assert len(seen.certificates) == 2
    for got in seen.certificates.values():
        assert isinstance(got, Unanswered)
        assert "no AWS credentials were found" in got.reason
        assert "--offline" in got.remedy
    assert aws.calls() == ()


def test_a_role_of_a_profile_that_may_not_be_assumed_is_told_from_a_denied_list(
    aws, key, look, monkeypatch, tmp_path
):
    """A denied AssumeRole of a profile's role has another reason than a denied list."""
    config = tmp_path / "config"
    role = "role_arn = arn:aws:iam::222222222222:role/x\ncredential_source = Environment\n"
    config.write_text(f"[profile audit]\n{role}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    aws.faults.inject("AssumeRole", access_denied())

    got = look([key("abc123")], connection=Connection(profile="audit", timeout=10)).certificates[
        key("abc123")
    ]

    assert isinstance(got, Unanswered)
    assert (
        "AssumeRole in region us-east-1 was denied: the credentials lack sts:AssumeRole"
        in got.reason
    )


def test_credentials_that_are_not_there_are_looked_for_once_for_all_regions(
    web, key, look, monkeypatch
):
    """Missing credentials are searched once for all regions."""
    asked = []
    metadata = web(
        lambda method, path, _headers: asked.append((method, path)) or (404, "text/plain", b"no")
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata)

    seen = look([key("abc123", region=f"us-east-{n}") for n in range(5)])

    assert set(map(type, seen.certificates.values())) == {Unanswered}
    assert len(asked) == len(set(asked)) > 0


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("[default\n", "configuration file"),
        ("[default]\ncredential_process = /nowhere/there-is-no-such-program\n", "their program cannot be run"),
        ("[default]\ncredential_process = false\n", "no credentials came from 'custom-process'"),
        ("[default]\ncredential_process = echo SECRET-not-json\n", "credentials"),
        ("[default]\nsource_profile = default\nrole_arn = arn:aws:iam::1:role/x\n", "configuration is not usable"),
        ("[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_region = x\nsso_start_url = http://127.0.0.1:1/\n", "sign-in session"),
    ],
)  # fmt: skip
def test_credentials_that_cannot_be_had_are_unanswered(
    aws, key, look, monkeypatch, tmp_path, config, reason
):
    """Unusable credentials are unanswered, without the output of a credential program."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))

    got = look([key("abc123")]).certificates[key("abc123")]

    assert isinstance(got, Unanswered)
    assert reason in got.reason
    assert "SECRET" not in got.reason + got.remedy


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:1", "foo", "http://user:hunter2@127.0.0.1:1/x?token=hunter2"]
)
def test_an_endpoint_that_is_not_one_or_where_nobody_listens_is_unanswered(
    key, look, monkeypatch, endpoint
):
    """An invalid or dead endpoint is unanswered, without a password of its URL."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    got = look([key("abc123")]).certificates[key("abc123")]

    assert isinstance(got, Unanswered)
    assert "AWS_ENDPOINT_URL" in got.remedy
    assert "hunter2" not in got.reason + got.remedy


@pytest.mark.parametrize("region", ["us east 1", "us-esat-1", "-"])
def test_a_region_that_does_not_exist_is_unanswered(key, look, monkeypatch, region):
    """A region that does not exist is unanswered and named in the remedy."""

    def unknown(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    got = look([key("abc123", region=region)]).certificates[key("abc123", region=region)]

    assert isinstance(got, Unanswered)
    assert "region" in got.remedy
    assert region in got.reason
    assert "endpoint" not in got.reason


def test_one_region_that_fails_leaves_the_others_their_answers(web, key, stage, look):
    """A failing region leaves the answers of other regions."""

    def answered(_method, path, headers):
        region = headers["Authorization"].split("/")[2]
        if region == "eu-west-1":
            return 403, "text/html", b"<html>no</html>"
        if path == "/":
            return 200, "text/xml", CALLER
        return 200, "application/json", json.dumps({"item": [], "items": []}).encode()

    web(answered)
    places = [Place("aws", "123456789012", region) for region in ("us-east-1", "eu-west-1")]

    seen = look([key("abc123"), key("abc123", region="eu-west-1")], surveys=places)

    assert seen.certificates[key("abc123")] == Gone()
    assert isinstance(seen.certificates[key("abc123", region="eu-west-1")], Unanswered)
    assert seen.surveys[places[0]].stages == ()
    assert isinstance(seen.surveys[places[1]], Unanswered)


CALLER = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>x</UserId><Account>123456789012</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)

ODD = [
    ("text/html", b"<html>sign in</html>"),
    ("application/json", b""),
    ("application/json", b"{}"),
    ("application/json", b"[]"),
    ("application/json", b'"ok"'),
    ("application/json", b"null"),
    ("application/json", b'{"item": null}'),
    ("application/json", b'{"item": "x"}'),
    ("application/json", b'{"item": [1]}'),
    ("application/json", b'{"item": [{}]}'),
    ("application/json", b'{"item": {"clientCertificateId": "abc123"}}'),
    (
        "application/json",
        b'{"item": [{"clientCertificateId": "abc123", "expirationDate": "soon"}]}',
    ),
    ("application/json", b'{"item": [{"clientCertificateId": "abc123", "expirationDate": 1e30}]}'),
    ("application/json", b'{"item": [{"clientCertificateId": 7}]}'),
    (
        "application/json",
        b'{"item": [{"clientCertificateId": "a", "expirationDate": 1803902400, "pemEncodedCertificate": 7}]}',
    ),
    (
        "application/json",
        b'{"item": [{"clientCertificateId": "a"}, {"clientCertificateId": "a", "expirationDate": 1803902400}]}',
    ),
    ("application/json", b'{"item": ['),
    ("application/json", b'{"item": [], "position": "again"}'),
    ("application/json", b"[" * 100_000),
    ("application/json", b"\xff\xfe{\x00}\x00"),
]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        *((kind, body, 200) for kind, body in ODD),
        *((kind, body, status) for kind, body in ODD[:5] for status in (400, 500)),
    ],
)
def test_an_answer_that_is_not_aws_own_is_unanswered(web, key, look, kind, body, status):
    """An answer that is not from AWS, such as HTML, is unanswered, never gone."""
    web(
        lambda _method, path, _headers: (
            (200, "text/xml", CALLER) if path == "/" else (status, kind, body)
        )
    )

    got = look([key("abc999")]).certificates[key("abc999")]

    assert isinstance(got, Unanswered)
    assert "not by AWS" in got.reason or f"HTTP {status}" in got.reason


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"{}", b"<GetCallerIdentityResponse/>", b"<a><GetCallerIdentityResult/></a>"],
)
def test_an_sts_that_is_not_sts_proves_no_account(web, key, look, body):
    """An invalid answer of STS proves no account."""
    web(
        lambda _method, path, _headers: (
            (200, "text/html", body) if path == "/" else (200, "application/json", b'{"item": []}')
        )
    )

    got = look([key("abc123")]).certificates[key("abc123")]

    assert isinstance(got, Unanswered)


def test_a_certificate_without_an_end_is_unanswered_and_its_neighbours_are_not(web, key, look):
    """A certificate without an end date is unanswered, and its neighbours are found."""
    items = {
        "item": [
            {"clientCertificateId": "abc123"},
            {"clientCertificateId": "abc124", "expirationDate": 1803902400},
        ]
    }
    body = json.dumps(items).encode()
    web(
        lambda _method, path, _headers: (
            (200, "text/xml", CALLER) if path == "/" else (200, "application/json", body)
        )
    )

    seen = look([key("abc123"), key("abc124")]).certificates

    assert isinstance(seen[key("abc123")], Unanswered)
    assert "abc123" in seen[key("abc123")].reason
    assert seen[key("abc124")].expires_at.isoformat() == "2027-03-01T12:00:00+00:00"
    assert seen[key("abc124")].fingerprint is None


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ({"expirationDate": 0}, "ends on 1970-01-01"),
        ({"expirationDate": True}, "ends on 1970-01-01"),
        ({"expirationDate": -62135596800}, "which is not the life of one"),
        ({"expirationDate": 253402300799}, "ends on 9999-12-31"),
        ({"expirationDate": 1803902400, "createdDate": 1903902400}, "and began on 2030-05-01"),
        ({"expirationDate": 1803902400, "createdDate": 1003902400}, "and began on 2001-10-24"),
        ({"expirationDate": 1803902400, "createdDate": 1803902400}, "and began on 2027-03-01"),
    ],
)
def test_i4_dates_that_no_certificate_has_are_no_answer(web, key, look, dates, told):
    """I4: an impossible end date is unanswered, neither clean nor expired."""
    items = {
        "item": [
            {"clientCertificateId": "abc123", **dates},
            {"clientCertificateId": "abc124", "expirationDate": 1803902400},
        ]
    }
    body = json.dumps(items).encode()
    web(
        lambda _method, path, _headers: (
            (200, "text/xml", CALLER) if path == "/" else (200, "application/json", body)
        )
    )

    seen = look([key("abc123"), key("abc124")]).certificates

    assert isinstance(seen[key("abc123")], Unanswered)
    assert told in seen[key("abc123")].reason
    assert isinstance(seen[key("abc124")], Found)


def hang_up(connection, _over):
    connection.close()


def no_tls(connection, _over):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def cut_short(connection, _over):
    connection.recv(65536)
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"item": []'
    )


def cut_chunk(connection, _over):
    connection.recv(65536)
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"item": []'
    )


def garbage(connection, _over):
    connection.recv(65536)
    connection.sendall(b"\x00\x01\x02 what is HTTP?\r\n\r\n")


@pytest.mark.parametrize("behave", [hang_up, cut_short, cut_chunk, garbage])
def test_a_connection_that_breaks_off_is_unanswered(wire, key, look, behave):
    """A connection that breaks off is unanswered."""
    wire(behave)

    got = look([key("abc123")]).certificates[key("abc123")]

    assert isinstance(got, Unanswered)
    # botocore does not compare an answer with its Content-Length, so a cut answer is invalid JSON.
    assert "connection broke off" in got.reason or "not by AWS" in got.reason


def test_a_tls_connection_that_fails_is_told_from_others(wire, key, look, monkeypatch):
    """A TLS failure names AWS_CA_BUNDLE in the remedy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire(no_tls).replace("http:", "https:"))

    got = look([key("abc123")]).certificates[key("abc123")]

    assert isinstance(got, Unanswered)
    assert "TLS" in got.reason
    assert "AWS_CA_BUNDLE" in got.remedy


def test_a_proxy_that_cannot_be_reached_is_told_from_others(key, look, monkeypatch):
    """An unreachable proxy is named in the reason."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://apigateway.example.invalid")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    got = look([key("abc123")]).certificates[key("abc123")]

    assert isinstance(got, Unanswered)
    assert "proxy" in got.reason


def silent(connection, over):
    over.wait(30)
    connection.close()


def dripping(connection, over):
    connection.recv(65536)
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    )
    while not over.wait(0.1):
        connection.sendall(b" ")


def dripping_headers(connection, over):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.1):
        connection.sendall(b"X-More: x\r\n")


@pytest.mark.parametrize("behave", [silent, dripping, dripping_headers])
def test_a_server_that_never_comes_to_an_end_is_given_up_on_in_time(wire, key, look, behave):
    """A server that sends slowly without an end is given up at the timeout."""
    wire(behave)
    place = Place("aws", "123456789012", "us-east-1")
    began = time.monotonic()

    seen = look([key("abc123"), key("abc123", region="eu-west-1")], surveys=[place], timeout=1)

    assert time.monotonic() - began < 20
    assert (len(seen.certificates), len(seen.surveys)) == (2, 1)
    for got in (*seen.certificates.values(), *seen.surveys.values()):
        assert isinstance(got, Unanswered)
        assert "within 1 s" in got.reason or "no answer came in time" in got.reason


def test_an_sts_that_hangs_takes_half_of_the_time_and_nothing_that_was_found(aws, key, stage, look):
    """A silent STS takes half of the time, so that a stage can still prove the account."""
    aws.seed(SeedCertificate(id="here00"), SeedApi(id="api1", stages={"prod": "gone00"}))
    aws.faults.inject("GetCallerIdentity", Hang(seconds=20))
    began = time.monotonic()

    seen = look(
        [key("here00"), key("gone00")],
        anchors=[stage("api1", "prod", presents="gone00")],
        timeout=5,
    )

    assert time.monotonic() - began < 20
    assert isinstance(seen.certificates[key("here00")], Found)
    assert seen.certificates[key("gone00")] == Gone()


def test_a_role_that_hangs_is_given_up_on_in_time(wire, key, look):
    """A silent AssumeRole is given up at the timeout."""
    wire(silent)
    began = time.monotonic()

    seen = look(
        [key("abc123"), key("abc123", region="eu-west-1")],
        connection=Connection(role_arn="arn:aws:iam::222222222222:role/x", timeout=1),
    )

    assert time.monotonic() - began < 20
    assert set(map(type, seen.certificates.values())) == {Unanswered}
