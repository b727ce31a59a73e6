"""Certificates with the knowledge of their ends: the values that rules judge."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec import Struct

from checker._value import having
from checker.model.address import Address
from checker.model.certificate_use import CertificateUse
from checker.model.inventory import Document, Unread
from checker.model.observation import Found, Observation, Observations
from checker.model.plan import StalePlan
from checker.model.policy import Policy
from checker.model.resources import Certificate
from checker.model.rotation import Expected

if TYPE_CHECKING:
    from checker.model.exemptions import ExemptionTally


class Evidence(StrEnum):
    """What the knowledge of a certificate rests on."""

    OBSERVED = "observed"
    RECORDED = "recorded"
    GONE = "gone"
    UNANSWERED = "unanswered"
    UNKNOWN = "unknown"


class Case(Struct, frozen=True, kw_only=True):
    """A subject with what is known of its end; `days_left` is whole days, rounded down, negative once expired."""

    subject: CertificateUse
    evidence: Evidence
    observation: Observation | None
    expires_at: datetime | None
    fingerprint: str | None
    days_left: int | None

    @property
    def certificate(self) -> Certificate:
        """The certificate as recorded."""
        return self.subject.certificate

    @property
    def id(self) -> str | None:
        """The certificate's id; None while it is yet to be created."""
        return self.subject.certificate.id

    @property
    def address(self) -> Address | None:
        """Where Terraform knows the certificate; None where it does not."""
        return self.subject.certificate.address

    @property
    def presented(self) -> bool:
        """Whether a stage presents it, now or after the plan."""
        return bool(self.subject.now or self.subject.to_be_presented_by)

    @property
    def made_at(self) -> datetime | None:
        """The moment at which the certificate was made: by AWS, else by the record, else by its end.

        Source: API Gateway developer guide, a generated certificate is valid for 365 days.
        """
        observed = self.observation.created_at if isinstance(self.observation, Found) else None
        known = observed or self.certificate.created_at
        if known is None and self.expires_at is not None and self.certificate.kind == "gateway":
            return self.expires_at - timedelta(days=365)
        return known

    def within(self, days: int) -> bool:
        """Whether it ends in at most that many days (exactly that many counts), or has ended."""
        return self.days_left is not None and self.days_left <= days


_id = attrgetter("id")


def _block(case: Case) -> Address | None:
    """The block of a recorded instance; None for what is in no state, is yet to be made, or is left over to be deleted."""
    recorded = case.address is not None and case.id is not None and case.certificate.deposed is None
    return case.address.block if recorded and case.address is not None else None


class DocumentCases(Struct, frozen=True, kw_only=True):
    """The cases of one document, which rules judge by themselves.

    `stale` says why its plan has to be made again; None where nothing shows it.
    """

    document: Document
    cases: tuple[Case, ...]
    stale: StalePlan | None = None

    def of_block(self, block: Address) -> tuple[Case, ...]:
        """The cases of all recorded instances of a certificate block, deposed objects left out."""
        return having(self.cases, _block, block)

    def by_id(self, identity: str) -> Case | None:
        """The case with that certificate id."""
        return next(iter(having(self.cases, _id, identity)), None)


class Cases(Struct, frozen=True, kw_only=True):
    """Everything that rules and rotations are worked out from.

    `tally` lists the exemptions that were not used, for the rules that run last.
    """

    as_of: datetime
    policy: Policy
    documents: tuple[DocumentCases, ...]
    observations: Observations
    expect: Expected | None = None
    unread: tuple[Unread, ...] = ()
    tally: ExemptionTally | None = None

    @property
    def all(self) -> tuple[Case, ...]:
        """The cases of all documents."""
        return tuple(case for document in self.documents for case in document.cases)


def days_between(as_of: datetime, end: datetime) -> int:
    """Whole days left, rounded down: -1 from the first moment after the end."""
    return (end - as_of) // timedelta(days=1)
