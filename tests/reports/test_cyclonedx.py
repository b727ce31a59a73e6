"""The CycloneDX 1.6 format, read by cyclonedx-python-lib's strict validator and parser."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cyclonedx.model.bom import Bom
from cyclonedx.model.crypto import CryptoAssetType
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from msgspec.structs import replace
from outcomes import ADDRESS, due, judged, many, pair
from world import NOW, STAGE

from checker.model.location import Location
from checker.model.rotation import Delivery, TrustConsumer
from checker.reports import FORMATS

STRICT = JsonStrictValidator(SchemaVersion.V1_6)


def read(outcome) -> Bom:
    """Return the parsed document; check that it is valid and that each reference resolves."""
    text = FORMATS["cyclonedx"].render(outcome)
    assert STRICT.validate_str(text) is None
    bom = Bom.from_json(json.loads(text))
    bom.validate()
    known = {each.bom_ref.value for each in (*bom.components, *bom.services)}
    assert {each.ref.value for each in bom.dependencies} >= known
    return bom


def certificates(bom: Bom) -> dict[str, object]:
    """Return the certificates by name."""
    return {
        each.name: each
        for each in bom.components
        if each.crypto_properties is not None
        and each.crypto_properties.asset_type is CryptoAssetType.CERTIFICATE
    }


def used_by(bom: Bom, reference) -> set[str]:
    """Return the names of the components and services that depend on an asset."""
    names = {each.bom_ref.value: each.name for each in (*bom.components, *bom.services)}
    return {
        names[each.ref.value]
        for each in bom.dependencies
        if reference in {one.ref for one in each.dependencies}
    }


def test_a_certificate_is_an_asset_that_its_stages_depend_on(tmp_path):
    """A certificate is an asset with validity, fingerprint and id, and its stages depend on it."""
    outcome = due(tmp_path)
    bom = read(outcome)
    asset = certificates(bom)[ADDRESS]
    held = asset.crypto_properties.certificate_properties
    assert held.not_valid_after.isoformat() == "2026-12-05T00:00:00+00:00"
    assert held.certificate_format == "X.509"
    named = {each.name: each.value for each in asset.properties}
    assert named["tfcert:id"] == "old000"
    assert named["tfcert:account"] == "123456789012"
    (case,) = outcome.cases.documents[0].cases
    assert [each.content for each in asset.hashes] == [case.fingerprint] * bool(case.fingerprint)
    assert used_by(bom, asset.bom_ref) == {f"{STAGE}.prod"}


def test_a_place_that_takes_the_pem_depends_on_the_certificate(tmp_path):
    """A consumer of the PEM depends on the certificate, with its line and delivery."""
    outcome = due(tmp_path)
    consumer = TrustConsumer(
        what="aws_s3_object.bundle", location=Location("trust.tf", 4), delivery=Delivery.SENT
    )
    (rotation,) = outcome.rotations
    bom = read(replace(outcome, rotations=(replace(rotation, trust=(consumer,)),)))
    asset = certificates(bom)[ADDRESS]
    assert "aws_s3_object.bundle" in used_by(bom, asset.bom_ref)
    (place,) = [each for each in bom.components if each.name == "aws_s3_object.bundle"]
    assert {each.name: each.value for each in place.properties} == {
        "tfcert:location": "trust.tf:4",
        "tfcert:delivery": "sent",
    }


def test_the_same_outcome_has_the_same_bytes_and_another_one_another_number():
    """Equal outcomes give equal bytes, and different ones different serial numbers."""
    one, other = judged(pair("a", None, "abc123", 9)), judged(pair("b", None, "def456", 9))
    text = FORMATS["cyclonedx"].render
    assert text(one) == text(judged(pair("a", None, "abc123", 9)))
    numbers = [json.loads(text(each))["serialNumber"] for each in (one, other)]
    assert numbers[0] != numbers[1]


def test_a_certificate_of_two_instances_and_two_accounts():
    """The same id in two accounts is two assets."""
    one = pair("orders", None, "abc123", 9)
    moved = tuple(replace(each, place=replace(each.place, account="999999999999")) for each in one)
    bom = read(judged(one, moved))
    accounts = [
        {each.name: each.value for each in asset.properties}["tfcert:account"]
        for asset in bom.components
    ]
    assert sorted(accounts) == ["123456789012", "999999999999"]


def unique(items) -> bool:
    """Return whether the items are unique, faster than jsonschema's own quadratic check."""
    return len({json.dumps(each, sort_keys=True) for each in items}) == len(items)


def test_without_certificates_and_with_a_thousand(monkeypatch):
    """Documents without certificates and with a thousand are valid."""
    monkeypatch.setattr("jsonschema._keywords.uniq", unique)
    assert list(read(judged()).components) == []
    assert len(certificates(read(many(1000)))) == 1000


def issue(key, digest=None):
    """Return a self-signed certificate in DER."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ApiGateway")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=9))
    return builder.sign(key, digest).public_bytes(Encoding.DER)


def of_pem(der: bytes):
    """Return the document of a certificate in state with this DER."""
    text = b64encode(der).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    stage, certificate = pair("orders", None, "abc123", 9)
    return read(judged((stage, replace(certificate, pem=pem))))


@pytest.fixture(scope="module")
def of_rsa():
    """Return a certificate with an RSA key, in DER."""
    return issue(rsa.generate_private_key(65537, 2048), SHA256())


# Object identifiers in DER: PKCS #1 and one that nobody has given away; commonName and its text.
SIGNATURE, KEY, UNKNOWN = (bytes.fromhex(f"2a864886f70d0101{last}") for last in ("0b", "01", "7f"))
NAME = b"\x0c\nApiGateway"


@pytest.mark.parametrize(
    ("old", "new", "algorithms"),
    [
        (b"", b"", {"SHA256-RSA", "RSA-2048"}),
        (SIGNATURE, UNKNOWN, {"RSA-2048"}),
        (KEY, UNKNOWN, set()),
        (NAME, b"\x0c\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", set()),
        (b"\x30\x82", b"\x31\x82", set()),
    ],
    ids=["plain", "unknown signature", "unknown key", "name that is no text", "no certificate"],
)
def test_a_pem_of_state_that_cryptography_cannot_read_is_no_error(of_rsa, old, new, algorithms):
    """A recorded PEM with an unknown algorithm or a broken name has the asset without it."""
    bom = of_pem(of_rsa.replace(old, new) if old else of_rsa)
    assert set(certificates(bom)) == {ADDRESS}
    assert {each.name for each in bom.components} == {ADDRESS, *algorithms}


def test_a_signature_without_a_hash_and_another_curve_have_names():
    """An Ed25519 certificate has no hash algorithm; one of an elliptic curve is ECDSA."""
    other = of_pem(issue(ed25519.Ed25519PrivateKey.generate()))
    assert {each.name for each in other.components} == {ADDRESS, "Ed25519"}
    curve = of_pem(issue(ec.generate_private_key(ec.SECP256R1()), SHA256()))
    assert {each.name for each in curve.components} == {ADDRESS, "SHA256-ECDSA", "EC-256"}
