"""A rotation: which certificate goes, which comes, and what its next step is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from checker.domain.address import Address
from checker.domain.value import short_value, value


class Phase(StrEnum):
    """The three phases of a rotation, one an apply; rollback undoes the second while the predecessor lives."""

    INTRODUCE = "introduce"
    REPOINT = "repoint"
    RETIRE = "retire"
    ROLLBACK = "rollback"


# What `--expect` holds a plan to: one phase by name, or for each rotation the phase that comes next.
Expected = Phase | Literal["next"]

SERIES = (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE)


@short_value
class Next:
    """The phase whose patch is safe to apply now."""

    phase: Phase


@short_value
class Waiting:
    """Something must happen first, and it is under way or a person's to do; `unverified` when AWS did not confirm it."""

    reason: str
    unverified: bool = False


@short_value
class Blocked:
    """A rotation is due and cannot be written safely: why, and what a person must do."""

    reason: str
    remedy: str


@short_value
class Done:
    """Nothing is left to do."""


Step = Next | Waiting | Blocked | Done


class Holds(StrEnum):
    """Whether a condition is met now."""

    YES = "holds now"
    NO = "does not hold now"
    UNKNOWN = "not confirmed"


@value
class Condition:
    """What must be true before a phase is applied, and whether it is."""

    phase: Phase
    text: str
    holds: Holds


@value
class Caution:
    """What a phase does beside its purpose, which whoever applies it must know; nothing stands in the way."""

    phase: Phase
    text: str


@value
class Rotation:
    """One predecessor on its way out, and its successor; both are addresses of blocks.

    `predecessor` is None where Terraform does not manage the certificate: then `predecessor_ids` names it. `successor` is the
    declared one, else the one that introduce would write. `stages` are the addresses of the instances that present the
    predecessor, `end` is its earliest end. `back` is the step of whoever asks for rollback: it is never `next`.
    """

    predecessor: Address | None
    predecessor_ids: tuple[str, ...]
    successor: Address | None
    step: Step
    back: Step = Done()
    end: datetime | None = None
    introduce_by: datetime | None = None
    repoint_by: datetime | None = None
    stages: tuple[str, ...] = ()
    introduced: bool = False
    conditions: tuple[Condition, ...] = ()
    cautions: tuple[Caution, ...] = ()

    @property
    def label(self) -> str:
        """How a report names it: the predecessor's address, else its id."""
        return str(self.predecessor) if self.predecessor is not None else ", ".join(self.predecessor_ids)


def in_order(rotations: Iterable[Rotation]) -> tuple[Rotation, ...]:
    """Rotations by the end of what goes, the unknown last, then by name."""
    never = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(rotations, key=lambda rotation: (rotation.end or never, rotation.label)))
