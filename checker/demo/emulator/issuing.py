"""Certificates as API Gateway issues them: self-signed, nameless, a year long.

Source: certificates of AWS decoded from public dumps (`facts/aws.md` 1): X.509 v3, RSA 2048, SHA-256, issuer and subject
`C=US, L=Seattle, CN=ApiGateway`, no extensions, exactly 365 days, a PEM with CRLF line ends and no newline at its end.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=365)

_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Seattle"),
        x509.NameAttribute(NameOID.COMMON_NAME, "ApiGateway"),
    ]
)


def whole(instant: datetime) -> datetime:
    """An instant in UTC without the fraction of its second, which a certificate cannot carry; ValueError without a time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} names no time zone")
    return instant.astimezone(UTC).replace(microsecond=0)


def new_key() -> RSAPrivateKey:
    """Make a key pair of the kind that API Gateway uses; this takes some tenths of a second."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def issue(key: RSAPrivateKey, *, created_at: datetime, expires_at: datetime) -> str:
    """Sign a certificate over a key with itself, valid between two instants of whole seconds, as AWS writes a PEM."""
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(created_at)
        .not_valid_after(expires_at)
        .sign(key, SHA256())
    )
    lines = certificate.public_bytes(Encoding.PEM).decode("ascii").splitlines()
    return "\r\n".join(lines)
