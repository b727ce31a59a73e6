"""A certificate together with the stages that present it."""

from __future__ import annotations

from msgspec import Struct

from checker.model.observation import CertificateKey
from checker.model.resources import Certificate, Stage


class CertificateUse(Struct, frozen=True, kw_only=True):
    """A certificate and the stages that present it: now (as recorded) and after the plan, where there is one.

    `shown_by` are stages that AWS shows presenting it although no record says so: outside Terraform, or changed since.
    `key` is None for a certificate that is yet to be created.
    """

    certificate: Certificate
    key: CertificateKey | None
    presented_by: tuple[Stage, ...]
    to_be_presented_by: tuple[Stage, ...]
    shown_by: tuple[Stage, ...] = ()

    @property
    def now(self) -> tuple[Stage, ...]:
        """The stages that present it now, by record or by AWS."""
        return (*self.presented_by, *self.shown_by)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that present it, now or after the plan; the same stage may be among them twice."""
        return (*self.presented_by, *self.shown_by, *self.to_be_presented_by)
