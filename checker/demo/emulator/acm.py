"""Certificates of ACM: moto's, extended with their renewal status."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto.acm.models import CertBundle, acm_backends

from checker.demo.emulator.certificates import LIFETIME, issue, whole_seconds
from checker.demo.emulator.seeds import SeedAcm

_KEY = (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


class SeededAcm(CertBundle):
    """A certificate of ACM with seeded values: type, status, eligibility and renewal."""

    seed: SeedAcm
    renewed_at: datetime

    def validate_certificate(self) -> x509.Certificate:
        """Parse the PEM without checking its dates, since expired certificates are seeded too."""
        return x509.load_pem_x509_certificate(self.cert)

    def check(self) -> None:
        """Keep the seeded status.

        Moto would compute it from the system clock, which is not the emulator's clock.
        """

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeCertificate; it has a renewal only if one has started.

        Source: AWS, ACM API reference, CertificateDetail and RenewalSummary.
        """
        answer: dict[str, Any] = super().describe()
        details = answer["Certificate"]
        details["RenewalEligibility"] = "ELIGIBLE" if self.seed.eligible else "INELIGIBLE"
        if self.seed.renewal is not None:
            details["RenewalSummary"] = {
                "RenewalStatus": self.seed.renewal,
                "DomainValidationOptions": [],
                "UpdatedAt": self.renewed_at.timestamp(),
            }
            if self.seed.renewal_reason is not None:
                details["RenewalSummary"]["RenewalStatusReason"] = self.seed.renewal_reason
        return answer


def put_acm(seed: SeedAcm, key: RSAPrivateKey, now: datetime) -> None:
    """Create a certificate of ACM.

    Raises ValueError if its ARN has no account and region of ACM.
    """
    fields = seed.arn.split(":", 5)
    if len(fields) != 6 or fields[2] != "acm" or not fields[3] or not fields[4]:
        raise ValueError(f"{seed.arn!r} is no ARN of a certificate of ACM")
    end = whole_seconds(seed.expires_at)
    made = SeededAcm(
        account_id=fields[4],
        certificate=issue(key, created_at=end - LIFETIME, expires_at=end).encode(),
        private_key=key.private_bytes(*_KEY),
        region=fields[3],
        arn=seed.arn,
        cert_type=seed.kind,
        cert_status=seed.status,
        cert_authority_arn=_authority(fields) if seed.kind == "PRIVATE" else None,
    )
    made.seed, made.renewed_at = seed, now
    # Moto's own import cannot create a certificate with a given ARN.
    acm_backends[fields[4]][fields[3]]._certificates[seed.arn] = made  # noqa: SLF001


def _authority(fields: list[str]) -> str:
    _, partition, _, region, account, _ = fields
    return (
        f"arn:{partition}:acm-pca:{region}:{account}"
        ":certificate-authority/11111111-2222-3333-4444-555555555555"
    )
