"""Tests of the client-certificate operations that the emulator adds to moto, called
through boto3.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from checker.demo.emulator import DeleteAnswer, SeedApi, SeedCertificate

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def code(refused):
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_a_new_certificate_is_what_aws_makes(aws, gateway):
    """A generated certificate is self-signed by ApiGateway for exactly 365 days.

    Its PEM has CRLF line ends and no newline at the end.
    """
    aws.clock.set(NOON)
    made = gateway.generate_client_certificate(description="orders", tags={"team": "shop"})
    pem = made["pemEncodedCertificate"]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert re.fullmatch(r"[a-z0-9]{6}", made["clientCertificateId"])
    assert (made["description"], made["tags"]) == ("orders", {"team": "shop"})
    assert (made["createdDate"], made["expirationDate"]) == (NOON, NOON + timedelta(days=365))
    assert (certificate.not_valid_before_utc, certificate.not_valid_after_utc) == (
        NOON,
        NOON + timedelta(days=365),
    )
    assert certificate.subject.rfc4514_string() == "CN=ApiGateway,L=Seattle,C=US"
    assert certificate.issuer == certificate.subject
    assert certificate.version is x509.Version.v3
    assert list(certificate.extensions) == []
    assert isinstance(certificate.signature_hash_algorithm, SHA256)
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    assert key.key_size == 2048
    certificate.verify_directly_issued_by(certificate)
    assert pem.startswith("-----BEGIN CERTIFICATE-----\r\n")
    assert pem.endswith("\r\n-----END CERTIFICATE-----")
    assert pem.count("\n") == pem.count("\r\n")


def test_a_clock_that_was_set_back_leaves_less_than_a_year(aws, gateway):
    """A certificate that is made while the clock is 353 days back has 12 days left now."""
    aws.clock.set(NOON)
    aws.clock.advance(days=-353)
    made = gateway.generate_client_certificate()
    aws.clock.advance(days=353)
    assert made["expirationDate"] - aws.clock.now() == timedelta(days=12)


def test_a_certificate_can_be_read_again(gateway):
    """GetClientCertificate returns what the creation returned, and omits the fields that were not
    given.
    """
    made = gateway.generate_client_certificate()
    found = gateway.get_client_certificate(clientCertificateId=made["clientCertificateId"])
    wanted = ("clientCertificateId", "pemEncodedCertificate", "createdDate", "expirationDate")
    assert {name: found[name] for name in wanted} == {name: made[name] for name in wanted}
    assert not {"description", "tags"} & found.keys()


def test_pages_hold_each_certificate_once(aws, gateway):
    """A page has 25 certificates by default, and all pages together list each one once, even after
    a deletion in between.
    """
    ids = set(aws.seed(*[SeedCertificate() for _ in range(60)]))
    first = gateway.get_client_certificates()
    assert len(first["items"]) == 25
    last_of_first = first["items"][-1]["clientCertificateId"]
    gateway.delete_client_certificate(clientCertificateId=last_of_first)
    second = gateway.get_client_certificates(position=first["position"], limit=30)
    third = gateway.get_client_certificates(position=second["position"])
    assert [len(page["items"]) for page in (second, third)] == [30, 5]
    assert "position" not in third
    seen = [
        item["clientCertificateId"] for page in (first, second, third) for item in page["items"]
    ]
    assert sorted(seen) == sorted(ids)


def test_a_full_last_page_names_no_next(aws, gateway):
    """The last page has no position, even if it is full."""
    aws.seed(SeedCertificate(), SeedCertificate())
    assert "position" not in gateway.get_client_certificates(limit=2)
    pages = gateway.get_paginator("get_client_certificates").paginate(
        PaginationConfig={"PageSize": 1}
    )
    assert [len(page["items"]) for page in pages] == [1, 1]


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 501}, {"limit": -1}, {"position": "%"}, {"position": "/w=="}]
)
def test_a_page_that_cannot_be_is_refused(gateway, wrong):
    """A limit outside 1 to 500 and an invalid position are a BadRequest."""
    with pytest.raises(ClientError) as refused:
        gateway.get_client_certificates(**wrong)
    assert code(refused) == (400, "BadRequestException")


@pytest.mark.parametrize(
    "operation",
    ["get_client_certificate", "update_client_certificate", "delete_client_certificate"],
)
@pytest.mark.parametrize(
    ("id_", "answer"),
    [("zzzzzz", (404, "NotFoundException")), ("NO-SUCH", (400, "BadRequestException"))],
)
def test_ids_that_name_nothing(gateway, operation, id_, answer):
    """An id that no certificate has is not found, and a text that is not an id is a bad request."""
    with pytest.raises(ClientError) as refused:
        getattr(gateway, operation)(clientCertificateId=id_)
    assert code(refused) == answer


def test_the_description_can_be_changed(aws, gateway):
    """UpdateClientCertificate replaces the description and leaves the certificate unchanged."""
    (id_,) = aws.seed(SeedCertificate(tags={"team": "shop"}))
    before = gateway.get_client_certificate(clientCertificateId=id_)
    patch = [{"op": "replace", "path": "/description", "value": "for orders"}]
    assert (
        gateway.update_client_certificate(clientCertificateId=id_, patchOperations=patch)[
            "description"
        ]
        == "for orders"
    )
    after = gateway.get_client_certificate(clientCertificateId=id_)
    assert after["description"] == "for orders"
    assert after["pemEncodedCertificate"] == before["pemEncodedCertificate"]


def test_nothing_but_the_description_can_be_changed(aws, gateway):
    """A patch of another path is refused, and the earlier changes of the same request are not
    applied.
    """
    (id_,) = aws.seed(SeedCertificate(description="first"))
    patch = [
        {"op": "replace", "path": "/description", "value": "second"},
        {"op": "replace", "path": "/expirationDate", "value": "0"},
    ]
    with pytest.raises(ClientError) as refused:
        gateway.update_client_certificate(clientCertificateId=id_, patchOperations=patch)
    assert code(refused) == (400, "BadRequestException")
    assert gateway.get_client_certificate(clientCertificateId=id_)["description"] == "first"


def test_the_quota_holds_for_one_region(aws, gateway):
    """An account gets no more than sixty certificates in a region; a deletion makes room, and other
    regions count separately.
    """
    ids = aws.seed(*[SeedCertificate() for _ in range(60)])
    with pytest.raises(ClientError) as refused:
        gateway.generate_client_certificate()
    assert code(refused) == (429, "LimitExceededException")
    aws.client("apigateway", region="eu-west-1").generate_client_certificate()
    gateway.delete_client_certificate(clientCertificateId=ids[0])
    gateway.generate_client_certificate()
    assert len(gateway.get_client_certificates(limit=500)["items"]) == 60


def test_the_quota_can_be_set(aws, gateway):
    """The quota can be set to another number."""
    aws.set_certificate_quota(0)
    with pytest.raises(ClientError) as refused:
        gateway.generate_client_certificate()
    assert code(refused) == (429, "LimitExceededException")


@pytest.mark.parametrize("kind", ["rest", "websocket"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (DeleteAnswer.CONFLICT, (409, "ConflictException")),
        (DeleteAnswer.BAD_REQUEST, (400, "BadRequestException")),
    ],
)
def test_a_certificate_in_use_is_kept(aws, gateway, kind, answer, expected):
    """A certificate that a stage presents is not deleted where the emulator is set to refuse, and
    the message names the stage.
    """
    (id_, _) = aws.seed(
        SeedCertificate(), SeedApi(kind=kind, id="orders", stages={"prod": None, "beta": None})
    )
    aws.seed(SeedApi(kind=kind, id="orders", stages={"prod": id_}))
    aws.answer_delete_in_use(answer)
    with pytest.raises(ClientError, match="orders/prod") as refused:
        gateway.delete_client_certificate(clientCertificateId=id_)
    assert code(refused) == expected
    assert gateway.get_client_certificate(clientCertificateId=id_)["clientCertificateId"] == id_


def test_a_certificate_in_use_may_go(aws, gateway):
    """Where the emulator is set to allow it, a certificate in use is deleted, and its stage still
    names it.
    """
    aws.answer_delete_in_use("allow")
    aws.seed(SeedCertificate(id="abc123"), SeedApi(id="orders", stages={"prod": "abc123"}))
    gateway.delete_client_certificate(clientCertificateId="abc123")
    assert gateway.get_client_certificates()["items"] == []
    assert (
        gateway.get_stage(restApiId="orders", stageName="prod")["clientCertificateId"] == "abc123"
    )


def test_a_certificate_in_another_region_is_not_in_use_here(aws, gateway):
    """A stage prevents the deletion of the certificate of its own region only, not of one with the
    same id elsewhere.
    """
    aws.seed(
        SeedCertificate(id="abc123"),
        SeedCertificate(id="abc123", region="eu-west-1"),
        SeedApi(id="orders", stages={"prod": "abc123"}, region="eu-west-1"),
    )
    gateway.delete_client_certificate(clientCertificateId="abc123")
    with pytest.raises(ClientError):
        aws.client("apigateway", region="eu-west-1").delete_client_certificate(
            clientCertificateId="abc123"
        )


def test_a_certificate_can_be_aged(aws, gateway):
    """Ageing changes the end of a certificate in its dates and its PEM, and keeps its id and its
    key.
    """
    made = gateway.generate_client_certificate(description="orders")
    aws.age(made["clientCertificateId"], expires_at=NOON)
    found = gateway.get_client_certificate(clientCertificateId=made["clientCertificateId"])
    before, after = (
        x509.load_pem_x509_certificate(one["pemEncodedCertificate"].encode())
        for one in (made, found)
    )
    assert found["expirationDate"] == after.not_valid_after_utc == NOON
    assert found["createdDate"] == after.not_valid_before_utc == NOON - timedelta(days=365)
    assert found["description"] == "orders"
    assert before.public_key() == after.public_key()
    assert before.serial_number != after.serial_number
