"""Certificates with their end dates, as far as known: the values that rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.certificate_use import CertificateUse
from checker.model.inventory import Document, Unread
from checker.model.observation import Found, Observation, Observations
from checker.model.plan import StageChange, StalePlan
from checker.model.policy import Policy
from checker.model.resources import Certificate, Stage
from checker.model.rotation import Expected

if TYPE_CHECKING:
    from checker.model.exemptions import ExemptionTally
    from checker.model.trust import HeldBundle, ProbeEvidence


class Evidence(StrEnum):
    """The source of the knowledge about a certificate."""

    OBSERVED = "observed"
    RECORDED = "recorded"
    GONE = "gone"
    UNANSWERED = "unanswered"
    UNKNOWN = "unknown"


class Case(Struct, frozen=True, kw_only=True):
    """A certificate with the stages that present it, and its end as far as known.

    `days_left` is whole days, rounded down; it is negative for an expired certificate.
    """

    subject: CertificateUse
    evidence: Evidence
    observation: Observation | None
    expires_at: datetime | None
    fingerprint: str | None
    days_left: int | None

    @property
    def certificate(self) -> Certificate:
        """Return the certificate as recorded."""
        return self.subject.certificate

    @property
    def id(self) -> str | None:
        """Return the certificate's id; None before it is created."""
        return self.subject.certificate.id

    @property
    def address(self) -> Address | None:
        """Return the certificate's Terraform address; None if Terraform does not know it."""
        return self.subject.certificate.address

    @property
    def presented(self) -> bool:
        """Return whether a stage presents it, now or after the plan."""
        return bool(self.subject.now or self.subject.to_be_presented_by)

    @property
    def made_at(self) -> datetime | None:
        """Return the creation time of the certificate: from AWS, the record or the end date.

        Source: API Gateway developer guide, a generated certificate is valid for 365 days.
        """
        observed = self.observation.created_at if isinstance(self.observation, Found) else None
        known = observed or self.certificate.created_at
        if known is None and self.expires_at is not None and self.certificate.kind == "gateway":
            return self.expires_at - timedelta(days=365)
        return known

    def within(self, days: int) -> bool:
        """Return whether it ends in at most that many days, or has ended."""
        return self.days_left is not None and self.days_left <= days


class Selection(Struct, frozen=True, kw_only=True):
    """The part of a document that a rule judges in one run: what one set of scopes applies to.

    `plan` is True if the rule also judges what no scope covers, such as the plan as a whole.
    """

    cases: tuple[Case, ...] = ()
    stages: tuple[Stage, ...] = ()
    changes: tuple[StageChange, ...] = ()
    plan: bool = False


class DocumentCases(Struct, frozen=True, kw_only=True, dict=True):
    """The cases of one document; rules judge each document separately.

    `stale` says why its plan has to be made again; None where nothing shows that. With a
    `selection`, a rule judges only that part, and may look at everything. Findings about the rest
    do not count. `whole` is then the document without a selection, which keeps the indices.
    """

    document: Document
    cases: tuple[Case, ...]
    stale: StalePlan | None = None
    selection: Selection | None = None
    whole: DocumentCases | None = None

    def select(self, selection: Selection) -> DocumentCases:
        """Return the same document, in which rules judge only a part."""
        return replace(self, selection=selection, whole=self)

    @property
    def judged(self) -> tuple[Case, ...]:
        """Return the cases to judge."""
        return self.cases if self.selection is None else self.selection.cases

    @property
    def judged_stages(self) -> tuple[Stage, ...]:
        """Return the recorded stages to judge."""
        return self.document.stages if self.selection is None else self.selection.stages

    @property
    def judged_changes(self) -> tuple[StageChange, ...]:
        """Return the planned changes of stages to judge."""
        plan = self.document.plan
        if self.selection is not None:
            return self.selection.changes
        return plan.stages if plan is not None else ()

    @property
    def judges_plan(self) -> bool:
        """Return whether to judge the plan as a whole, and its changes of other resources."""
        return self.selection is None or self.selection.plan

    def of_block(self, block: Address) -> tuple[Case, ...]:
        """Return the cases of all recorded instances of a certificate block.

        Deposed objects, and certificates that are not created yet, are left out.
        """
        if self.whole is not None:
            return self.whole.of_block(block)
        return self._by_block.get(block, ())

    def by_id(self, identity: str) -> Case | None:
        """Return the case with that certificate id."""
        if self.whole is not None:
            return self.whole.by_id(identity)
        return self._by_id.get(identity)

    @cached_property
    def _by_block(self) -> Mapping[Address, tuple[Case, ...]]:
        found: dict[Address, list[Case]] = {}
        for case in self.cases:
            if (
                case.address is not None
                and case.id is not None
                and case.certificate.deposed is None
            ):
                found.setdefault(case.address.block, []).append(case)
        return {block: tuple(cases) for block, cases in found.items()}

    @cached_property
    def _by_id(self) -> Mapping[str, Case]:
        """The first case with each id."""
        return {case.id: case for case in reversed(self.cases) if case.id is not None}


class Cases(Struct, frozen=True, kw_only=True):
    """The input of rules and rotations.

    `tally` lists the exemptions that were not used, for the rules that run last. `probed` is what
    backends answered to a probe; empty if none was called. `held` is what the consumers of the
    predecessors' PEMs have now, from each source that was read.
    """

    as_of: datetime
    policy: Policy
    documents: tuple[DocumentCases, ...]
    observations: Observations
    expect: Expected | None = None
    unread: tuple[Unread, ...] = ()
    tally: ExemptionTally | None = None
    probed: tuple[ProbeEvidence, ...] = ()
    held: tuple[HeldBundle, ...] = ()

    @property
    def all(self) -> tuple[Case, ...]:
        """Return the cases of all documents."""
        return tuple(case for document in self.documents for case in document.cases)


def days_between(as_of: datetime, end: datetime) -> int:
    """Return the whole days left, rounded down: -1 from the first moment after the end."""
    return (end - as_of) // timedelta(days=1)
