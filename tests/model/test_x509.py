"""The X.509 parser, compared with the cryptography library, which tfcert does not load for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.model.x509 import read_der, read_pem

KEY = ec.generate_private_key(ec.SECP256R1())
FIRST, LAST = datetime(1950, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001  # hypothesis takes bounds without a zone


def make(not_before, not_after, *, serial=1, names=1, extensions=0):
    """Return a self-signed certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ApiGateway" * 3)] * names)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    )
    builder = builder.serial_number(serial).not_valid_before(not_before).not_valid_after(not_after)
    if extensions:
        hosts = [x509.DNSName(f"h{index}.example") for index in range(extensions)]
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def pem_of(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@settings(max_examples=60)
@given(
    st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0)),
    st.timedeltas(timedelta(0), timedelta(days=800)).map(
        lambda span: timedelta(seconds=int(span.total_seconds()))
    ),
    st.integers(1, 2**158),
    st.integers(1, 20),
    st.integers(0, 300),
)
def test_dates_and_fingerprint_are_those_that_cryptography_reads(
    start, span, serial, names, extensions
):
    """Dates and fingerprint equal those that cryptography reads, for both time formats and any
    length.
    """
    end = min(start + span, LAST)
    certificate = make(start, end, serial=serial, names=names, extensions=extensions)
    found = read_pem(pem_of(certificate))
    assert found.not_before == certificate.not_valid_before_utc
    assert found.not_after == certificate.not_valid_after_utc
    assert found.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize(
    "moment",
    [
        "1950-01-01 00:00:00",
        "1999-12-31 23:59:59",
        "2000-01-01 00:00:00",
        "2049-12-31 23:59:59",
        "2050-01-01 00:00:00",
    ],
)
def test_the_century_of_a_short_year(moment):
    """Two digits of a year mean 1950 to 2049, by RFC 5280."""
    there = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = read_pem(pem_of(make(there, there)))
    assert (found.not_before, found.not_after) == (there, there)


def element(tag, content, *, width=0):
    """Return one DER element; `width` forces a longer length than DER allows."""
    length = len(content)
    digits = length.to_bytes(max(width, (length.bit_length() + 7) // 8), "big")
    head = bytes([length]) if length < 0x80 and not width else bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + head + content


def minimal(
    *,
    width=0,
    times=2,
    extra=b"",
    validity=b"",
    version=b"\xa0\x03\x02\x01\x02",
    signature=b"\x03\x01\x00",
):
    """Return the smallest structure of a certificate."""
    time = element(0x17, b"260101000000Z")
    inner = (
        version
        + b"\x02\x01\x05"
        + b"\x30\x00" * 2
        + element(0x30, validity or time * times, width=width)
        + b"\x30\x00" * 2
    )
    return element(0x30, element(0x30, inner) + b"\x30\x00" + signature + extra)


def test_the_structure_is_read_strictly():
    """The structure must be exact, with or without a version field."""
    assert read_der(minimal()).not_after == datetime(2026, 1, 1, tzinfo=UTC)
    assert read_der(minimal(version=b"")).not_after == datetime(2026, 1, 1, tzinfo=UTC)
    assert read_der(minimal(width=1)) is None
    assert read_der(minimal(width=2)) is None
    assert read_der(minimal(times=1)) is None
    assert read_der(minimal(times=3)) is None
    assert read_der(minimal(extra=b"\x05\x00")) is None
    assert read_der(minimal(signature=b"")) is None
    assert read_der(minimal(validity=element(0x18, b"20260101000000Z") * 2)).not_after.year == 2026
    assert read_der(minimal(validity=element(0x04, b"260101000000Z") * 2)) is None
    assert read_der(element(0x30, DER[4:], width=3)) is None
    assert read_der(element(0x30, DER[4:])) == read_der(DER)


def test_a_certificate_as_api_gateway_gives_it(fixtures):
    """A recorded PEM of API Gateway, with CR LF line ends, parses like one with LF."""
    state = json.loads(
        (fixtures / "rotation/01-refreshed-near-expiry/terraform.tfstate").read_bytes()
    )
    pem = next(item for item in state["resources"] if "certificate" in item["type"])["instances"][
        0
    ]["attributes"]["pem_encoded_certificate"]
    assert "\r\n" in pem
    found = read_pem(pem)
    assert found.not_after == datetime(2026, 12, 5, 22, 47, 41, tzinfo=UTC)
    assert (
        found.fingerprint
        == x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()
    )
    assert read_pem(pem.replace("\r\n", "\n")) == read_pem(pem.replace("\r\n", "\n  ")) == found


PEM = pem_of(make(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))
DER = x509.load_pem_x509_certificate(PEM.encode()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----" + " " * 60_000,
        PEM.replace("END CERTIFICATE", "END"),
        PEM.replace("CERTIFICATE", "PUBLIC KEY"),
        PEM + " " * 70_000,
        "é" * 10,
    ],
)
def test_a_placeholder_or_broken_pem_tells_nothing(text):
    """A placeholder or a broken PEM gives no dates."""
    assert read_pem(text) is None


def test_the_first_of_a_chain_counts():
    """The first certificate of a chain counts."""
    other = pem_of(make(datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)))
    assert read_pem(PEM + other) == read_pem(PEM)


@settings(max_examples=400)
@given(
    st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, len(DER)),
)
def test_damaged_der_is_read_or_not_but_never_an_error(changes, length):
    """Damaged or truncated DER never raises an error."""
    damaged = bytearray(DER)
    for at, value in changes:
        damaged[at] = value
    for der in (bytes(damaged), bytes(damaged[:length])):
        found = read_der(der)
        assert found is None or found.not_before.tzinfo is UTC
    assert length == len(DER) or read_der(DER[:length]) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_no_error(der):
    """Random bytes give no certificate and no error."""
    assert read_der(der) is None


@pytest.mark.parametrize(
    "der",
    [
        DER + b"\0",
        DER.replace(b"260101000000Z", b"260101000060Z"),
        DER.replace(b"260101000000Z", b"261301000000Z"),
        DER.replace(b"260101000000Z", b"2601010000+0Z"),
        DER.replace(b"\x17\x0d260101", b"\x18\x0d260101"),
        b"\x30\x84\x7f\xff\xff\xff" + DER,
        b"\x30\x80" + DER,
        b"\x30\x81\x05hello",
    ],
    # The key is new in each process, and the workers of a test run need the same test names.
    ids=range(8),
)
def test_der_is_read_strictly(der):
    """Trailing bytes, impossible times and lengths that DER forbids are rejected."""
    assert read_der(der) is None
