"""Certificates as they come before a rule: who presents each, now and after the plan, and what is known of its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from checker.domain.address import Address
from checker.domain.certificate import Certificate
from checker.domain.inventory import Document, Inventory, Unread
from checker.domain.observation import CertificateKey, Found, Gone, Observation, Observations, Unanswered
from checker.domain.policy import Policy
from checker.domain.rotation import Phase
from checker.domain.subjects import Subject, subjects
from checker.domain.value import value

if TYPE_CHECKING:
    from checker.domain.exemption import Tally


class Evidence(StrEnum):
    """What the knowledge of a certificate rests on."""

    OBSERVED = "observed"
    RECORDED = "recorded"
    GONE = "gone"
    UNANSWERED = "unanswered"
    UNKNOWN = "unknown"


@value
class Case:
    """A subject with what is known of its end; `days_left` is whole days, rounded down, negative once expired."""

    subject: Subject
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
        return bool(self.subject.presented_by or self.subject.to_be_presented_by)

    def within(self, days: int) -> bool:
        """Whether it ends in at most that many days (exactly that many counts), or has ended."""
        return self.days_left is not None and self.days_left <= days


class CaseList(tuple[Case, ...]):  # noqa: SLOT001 -- what is found is kept beside the cases, in the dictionary that slots leave out
    """Cases that are found by id and by block without looking through all of them each time: a state may have thousands."""

    @cached_property
    def ids(self) -> Mapping[str, Case]:
        """The first case of each certificate id."""
        found: dict[str, Case] = {}
        for case in self:
            if case.id is not None:
                found.setdefault(case.id, case)
        return found

    @cached_property
    def blocks(self) -> Mapping[Address, tuple[Case, ...]]:
        """The recorded instances of each certificate block, deposed objects left out."""
        found: dict[Address, list[Case]] = {}
        for case in self:
            if case.address is not None and case.id is not None and case.certificate.deposed is None:
                found.setdefault(case.address.block, []).append(case)
        return {block: tuple(cases) for block, cases in found.items()}


@value
class DocumentCases:
    """The cases of one document, which rules judge by themselves."""

    document: Document
    cases: tuple[Case, ...]

    def of_block(self, block: Address) -> tuple[Case, ...]:
        """The cases of all recorded instances of a certificate block, deposed objects left out."""
        return self._list.blocks.get(block, ())

    def by_id(self, identity: str) -> Case | None:
        """The case with that certificate id."""
        return self._list.ids.get(identity)

    @property
    def _list(self) -> CaseList:
        return self.cases if isinstance(self.cases, CaseList) else CaseList(self.cases)


@value
class Cases:
    """Everything that rules and rotations are worked out from.

    `tally` says what became of the exemptions, for the rules that are asked last.
    """

    as_of: datetime
    policy: Policy
    documents: tuple[DocumentCases, ...]
    observations: Observations
    expect: Phase | None = None
    unread: tuple[Unread, ...] = ()
    tally: Tally | None = None

    @property
    def all(self) -> tuple[Case, ...]:
        """The cases of all documents."""
        return tuple(case for document in self.documents for case in document.cases)


def days_between(as_of: datetime, end: datetime) -> int:
    """Whole days left, rounded down: -1 from the first moment after the end."""
    return (end - as_of) // timedelta(days=1)


def build_cases(
    inventory: Inventory, observations: Observations, *, as_of: datetime, policy: Policy, expect: Phase | None = None
) -> Cases:
    """Join what was read with what AWS answered; `expect` is the phase that a plan is held to."""
    documents = tuple(
        DocumentCases(
            document=document,
            cases=CaseList(_case(subject, observations, as_of) for subject in subjects(document)),
        )
        for document in inventory.documents
    )
    return Cases(as_of=as_of, policy=policy, documents=documents, observations=observations, expect=expect, unread=inventory.unread)


def _case(subject: Subject, observations: Observations, as_of: datetime) -> Case:
    observation = _lookup(observations.certificates, subject.key)
    recorded = subject.certificate.expires_at
    fingerprint = subject.certificate.fingerprint
    end: datetime | None
    match observation:
        case Found():
            evidence, end, fingerprint = Evidence.OBSERVED, observation.expires_at, observation.fingerprint or fingerprint
        case Gone():
            evidence, end = Evidence.GONE, recorded
        case Unanswered():
            evidence, end = Evidence.UNANSWERED, recorded
        case None:
            evidence, end = (Evidence.RECORDED if recorded is not None else Evidence.UNKNOWN), recorded
    return Case(
        subject=subject,
        evidence=evidence,
        observation=observation,
        expires_at=end,
        fingerprint=fingerprint,
        days_left=days_between(as_of, end) if end is not None else None,
    )


def _lookup(answers: Mapping[CertificateKey, Observation], key: CertificateKey | None) -> Observation | None:
    return answers.get(key) if key is not None else None
