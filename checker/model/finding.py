"""Findings: the results of rules about a stage, a certificate or a plan."""

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
    """The source of an exemption: a policy file, or a comment in the configuration.

    The words are SARIF's. Source: SARIF 2.1.0, 3.35.2, `suppression.kind`.
    """

    POLICY = "external"
    COMMENT = "inSource"


class Suppression(Struct, frozen=True, kw_only=True):
    """Why a finding does not count: the source, the reason and the last day (included, in UTC).

    `owner` is responsible for it. `location` is the place of the exemption in its file.
    """

    kind: SuppressedBy
    reason: str
    until: date
    owner: str | None = None
    location: Location | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One problem, present or coming, or one fact that is not known.

    `address` is the text of a Terraform address. `source` is the path of the document; None if the
    finding is about AWS as a whole. A finding with a `suppression` stays in every report and counts
    for neither verdict nor exit code. `fail_on` comes from the scope that set the severity; None
    means the policy's own value. `about` is the subject that scopes and exemptions match: a
    certificate with its stages, stages alone, or an account and region. Do not apply the plan
    before `not_before`. `reason` says why something is not known, where many findings may share it.
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
    reason: str | None = None

    @property
    def order(self) -> tuple[int, int, str, str, str, str]:
        """Return the sort key: severity, days left (unknown last), address, rule, message, source.

        So the same input gives the same bytes.
        """
        days = self.days_left if self.days_left is not None else 10**9
        return (self.severity, days, self.address or "", self.rule, self.message, self.source or "")
