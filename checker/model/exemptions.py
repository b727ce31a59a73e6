"""Exemptions: findings that somebody accepts, with a reason and an end date."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from checker.model.conditions import Conditions
from checker.model.finding import SuppressedBy
from checker.model.location import Location


class Exemption(Struct, frozen=True, kw_only=True):
    """A rule that does not count for some addresses, or for a certificate id, until a day.

    That day is included, in UTC. An address without instance keys means all instances of its block.
    `where` limits an entry of a policy to some documents and places. `location` is the place of the
    exemption in its file.
    """

    rule: str
    until: date
    reason: str
    kind: SuppressedBy
    addresses: frozenset[str] = frozenset()
    certificate_id: str | None = None
    owner: str | None = None
    location: Location | None = None
    where: Conditions = Conditions()

    @property
    def subject(self) -> str:
        """Return its subject as text."""
        return ", ".join(sorted(self.addresses)) or f"certificate {self.certificate_id}"


class FaultyExemption(Struct, frozen=True, kw_only=True):
    """An exemption that has no effect, because of its syntax or its duration.

    `reason` says why, `remedy` what to do.
    """

    reason: str
    remedy: str
    location: Location | None = None
    address: str | None = None
    certificate_id: str | None = None


class UnusedExemption(Struct, frozen=True, kw_only=True):
    """An exemption that no finding of the run needed, and why."""

    exemption: Exemption
    why: str


class ExemptionTally(Struct, frozen=True, kw_only=True):
    """The exemptions of a run that were not used, have expired, or are faulty."""

    unused: tuple[UnusedExemption, ...] = ()
    expired: tuple[Exemption, ...] = ()
    faulty: tuple[FaultyExemption, ...] = ()
