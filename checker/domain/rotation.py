"""A rotation: which certificate goes, which comes, and what its next step is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from checker.domain.address import Address
from checker.domain.location import Location


class Phase(StrEnum):
    """The three phases of a rotation, one an apply."""

    INTRODUCE = "introduce"
    REPOINT = "repoint"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Next:
    """The phase whose patch is safe to apply now."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something must happen first, and it is under way or a person's to do; `unverified` when AWS did not confirm it."""

    reason: str
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Blocked:
    """A rotation is due and cannot be written safely: why, and what a person must do."""

    reason: str
    remedy: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""


Step = Next | Waiting | Blocked | Done


class Holds(StrEnum):
    """Whether a condition is met now."""

    YES = "holds now"
    NO = "does not hold now"
    UNKNOWN = "not confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must be true before a phase is applied, and whether it is."""

    phase: Phase
    text: str
    holds: Holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One predecessor on its way out; addresses are those of blocks, `stages` those of the instances that present it.

    `written` says up to which phase the configuration has already been edited; `end` is the predecessor's earliest end.
    """

    predecessor: Address
    successor: Address
    declared: bool
    step: Step
    end: datetime | None
    introduce_by: datetime | None
    repoint_by: datetime | None
    stages: tuple[str, ...] = ()
    written: frozenset[Phase] = frozenset()
    conditions: tuple[Condition, ...] = ()
    due: bool = True
    predecessor_ids: tuple[str, ...] = ()
    location: Location | None = None
