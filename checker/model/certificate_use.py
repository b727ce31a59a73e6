"""A certificate together with the stages that present it."""

from __future__ import annotations

from msgspec import Struct

from checker.model.observation import CertificateKey
from checker.model.places import Place
from checker.model.resources import Certificate, Stage


class CertificateUse(Struct, frozen=True, kw_only=True):
    """A certificate and the stages that present it: now (as recorded), and after the plan if any.

    `shown_by` has stages that present it in AWS although no record does: they are outside
    Terraform, or changed since. `key` is None for a certificate that is not created yet.
    """

    certificate: Certificate
    key: CertificateKey | None
    presented_by: tuple[Stage, ...]
    to_be_presented_by: tuple[Stage, ...]
    shown_by: tuple[Stage, ...] = ()

    @property
    def place(self) -> Place:
        """Return where it is: the place that AWS is asked in, else the recorded one."""
        return self.key.place if self.key is not None else self.certificate.place

    @property
    def now(self) -> tuple[Stage, ...]:
        """Return the stages that present it now, by record or by AWS."""
        return (*self.presented_by, *self.shown_by)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages that present it, now or after the plan; one stage may appear twice."""
        return (*self.presented_by, *self.shown_by, *self.to_be_presented_by)
