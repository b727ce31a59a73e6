"""Exemptions: findings that somebody has decided to live with, for a reason and until a day."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from checker.model.conditions import Conditions
from checker.model.finding import SuppressedBy
from checker.model.location import Location


class Exemption(Struct, frozen=True, kw_only=True):
    """A rule that is not to count for some addresses, or for a certificate's id, up to and including a day in UTC.

    An address without instance keys means all instances of its block. `where` narrows an entry of a policy to some documents and
    places. `location` is where the exemption stands.
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
        """What it exempts, in words."""
        return ", ".join(sorted(self.addresses)) or f"certificate {self.certificate_id}"


class FaultyExemption(Struct, frozen=True, kw_only=True):
    """An exemption that exempts nothing, because of how it is written or of how long it is to hold: why, and what to do."""

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
    """What became of the exemptions of a run, beside those that were used."""

    unused: tuple[UnusedExemption, ...] = ()
    expired: tuple[Exemption, ...] = ()
    faulty: tuple[FaultyExemption, ...] = ()
