"""Certificates as API Gateway issues them: self-signed, the same subject, valid for a year.

Source: certificates of AWS decoded from public dumps: X.509 v3, RSA 2048, SHA-256, issuer and
subject `C=US, L=Seattle, CN=ApiGateway`, no extensions, exactly 365 days, a PEM with CRLF line ends
and no newline at its end.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from checker.demo.emulator.errors import BadRequestError, NotFoundError

LIFETIME = timedelta(days=365)

_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Seattle"),
        x509.NameAttribute(NameOID.COMMON_NAME, "ApiGateway"),
    ]
)


def whole_seconds(instant: datetime) -> datetime:
    """Return an instant in UTC without fractions of a second, which a certificate cannot have.

    Raises ValueError if it has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} names no time zone")
    return instant.astimezone(UTC).replace(microsecond=0)


def new_key() -> RSAPrivateKey:
    """Generate a key pair as API Gateway does; this takes some tenths of a second."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def issue(key: RSAPrivateKey, *, created_at: datetime, expires_at: datetime) -> str:
    """Return a self-signed certificate as a PEM in AWS's form.

    Both dates are in whole seconds.
    """
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


ID_FORM = re.compile(r"[a-z0-9]{6}")
ACM_ARN = re.compile(r"arn:[\w-]+:acm:[\w-]+:\d{12}:certificate/[\w-]+")

_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCertificate:
    """A client certificate with its private key; both dates are whole seconds of UTC."""

    id: str
    created_at: datetime
    expires_at: datetime
    key: RSAPrivateKey = field(repr=False)
    pem: str = field(repr=False)
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def aged(self, *, created_at: datetime, expires_at: datetime) -> StoredCertificate:
        """Return the certificate with other dates: same id and key, another PEM."""
        start, end = whole_seconds(created_at), whole_seconds(expires_at)
        return replace(
            self,
            created_at=start,
            expires_at=end,
            pem=issue(self.key, created_at=start, expires_at=end),
        )

    def answer(self) -> dict[str, Any]:
        """Return the certificate in API Gateway's form: epoch seconds, unset fields omitted."""
        body: dict[str, Any] = {
            "clientCertificateId": self.id,
            "pemEncodedCertificate": self.pem,
            "createdDate": int(self.created_at.timestamp()),
            "expirationDate": int(self.expires_at.timestamp()),
        }
        if self.description is not None:
            body["description"] = self.description
        if self.tags:
            body["tags"] = dict(self.tags)
        return body


def certificate(
    id_: str, *, key: RSAPrivateKey, created_at: datetime, expires_at: datetime, **about: Any
) -> StoredCertificate:
    """Issue a certificate with an id; `about` is its description and its tags.

    Fractions of a second are dropped.
    """
    start, end = whole_seconds(created_at), whole_seconds(expires_at)
    pem = issue(key, created_at=start, expires_at=end)
    return StoredCertificate(id=id_, key=key, pem=pem, created_at=start, expires_at=end, **about)


class CertificateStore:
    """The client certificates of one account and region, by id."""

    def __init__(self) -> None:
        self.certificates: dict[str, StoredCertificate] = {}

    def free_id(self) -> str:
        """Return an unused id: six lower-case letters and digits, as AWS's are."""
        while True:
            id_ = "".join(secrets.choice(_ALPHABET) for _ in range(6))
            if id_ not in self.certificates:
                return id_

    def get(self, id_: str) -> StoredCertificate:
        """Return the certificate with an id.

        Raises BadRequestError if the id is malformed, NotFoundError if there is no such
        certificate.
        """
        if not ID_FORM.fullmatch(id_):
            raise BadRequestError(f"Invalid client certificate identifier specified: {id_!r}")
        if id_ not in self.certificates:
            raise NotFoundError("Invalid Client Certificate identifier specified")
        return self.certificates[id_]

    def put(self, certificate: StoredCertificate) -> StoredCertificate:
        """Store a certificate; it replaces one with the same id."""
        self.certificates[certificate.id] = certificate
        return certificate

    def change(
        self, id_: str, how: Callable[[StoredCertificate], StoredCertificate]
    ) -> StoredCertificate:
        """Replace a certificate by the result of a function."""
        return self.put(how(self.get(id_)))

    def require(self, id_: str) -> None:
        """Raise an error if a stage cannot present a certificate.

        BadRequestError or NotFoundError: AWS's own answer is not documented. A certificate of ACM
        has an ARN, which is not checked here.
        """
        if id_ not in self.certificates and not ACM_ARN.fullmatch(id_):
            raise BadRequestError("Invalid client certificate identifier specified")


def certificate_store(backend: Any) -> CertificateStore:
    """Return the certificate store of a moto backend; there is one per account and region.

    It is an attribute of the backend, so it is cleared with moto's reset, which deletes a backend's
    attributes.
    """
    store: CertificateStore = vars(backend).setdefault("client_certificates", CertificateStore())
    return store
