"""What a rule says about a stage, a certificate or a plan."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.location import Location
from checker.model.places import Place
from checker.model.resources import Stage
from checker.model.severity import FailOn, Severity

if TYPE_CHECKING:
    from checker.model.certificate_use import CertificateUse


class SuppressedBy(StrEnum):
    """Who exempts a finding: a policy file, or a comment in the configuration.

    The words are SARIF's. Source: SARIF 2.1.0, 3.35.2, `suppression.kind`.
    """

    POLICY = "external"
    COMMENT = "inSource"


class Suppression(Struct, frozen=True, kw_only=True):
    """Why a finding does not count: who exempted it, for what reason, and until which day (that day included, in UTC).

    `owner` answers for it; `location` is where the exemption stands.
    """

    kind: SuppressedBy
    reason: str
    until: date
    owner: str | None = None
    location: Location | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, about to be, or not known; `address` is the text of a Terraform address.

    `source` is the path of the document that it is about; None where it is about AWS as a whole. A finding with a `suppression`
    stays in every report and counts for neither verdict nor exit code. `fail_on` is that of the scope which weighed it; None where
    the policy's own holds. `about` is what scopes and exemptions are held against: a certificate with its stages, stages alone, or
    an account and region. `not_before` is the moment before which the plan is not to be applied.
    """

    rule: str
    severity: Severity
    message: str
    remedy: str
    address: str | None = None
    certificate_id: str | None = None
    days_left: int | None = None
    location: Location | None = None
    suppression: Suppression | None = None
    source: str | None = None
    fail_on: FailOn | None = None
    about: CertificateUse | tuple[Stage, ...] | Place | None = None
    not_before: datetime | None = None

    @property
    def order(self) -> tuple[int, int, str, str, str, str]:
        """By severity, then days left (the unknown last), address and rule: the same input gives the same bytes."""
        days = self.days_left if self.days_left is not None else 10**9
        return (self.severity, days, self.address or "", self.rule, self.message, self.source or "")
