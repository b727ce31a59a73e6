"""Phase, Step, Rotation, ManualRotation, WrittenPatch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from checker.model.address import Address
from checker.model.deadlines import Late
from checker.model.location import Location
from checker.model.places import Place


class Phase(StrEnum):
    """The three phases of a rotation, one an apply; rollback undoes the second while the predecessor lives."""

    INTRODUCE = "introduce"
    REPOINT = "repoint"
    RETIRE = "retire"
    ROLLBACK = "rollback"


# What `--expect` holds a plan to: one phase by name, or for each rotation the phase that comes next.
Expected = Phase | Literal["next"]

SERIES = (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE)


class Next(Struct, frozen=True):
    """The phase whose patch is safe to apply now."""

    phase: Phase


class Waiting(Struct, frozen=True):
    """Something must happen first, and it is under way or a person's to do; `unverified` when AWS did not confirm it.

    `until` is the moment from which on time alone no longer stands in the way; the reason then begins with it.
    """

    reason: str
    unverified: bool = False
    until: datetime | None = None


class Blocked(Struct, frozen=True):
    """A rotation is due and cannot be written safely: why, and what a person must do."""

    reason: str
    remedy: str


class Done(Struct, frozen=True):
    """Nothing is left to do."""


Step = Next | Waiting | Blocked | Done


class ConditionStatus(StrEnum):
    """Whether a condition is met now."""

    YES = "holds now"
    NO = "does not hold now"
    UNKNOWN = "not confirmed"


class Condition(Struct, frozen=True, kw_only=True):
    """What must be true before a phase is applied, and whether it is.

    Where time alone makes it true, `until` is that moment and `why` says how things are now.
    """

    phase: Phase
    text: str
    holds: ConditionStatus
    until: datetime | None = None
    why: str = ""


class Caution(Struct, frozen=True, kw_only=True):
    """What a phase does beside its purpose, which whoever applies it must know; nothing stands in the way."""

    phase: Phase
    text: str


class Delivery(StrEnum):
    """How a new PEM reaches a consumer.

    An apply sends it: it updates or replaces the consumer, which may need a reload besides. Or it sends it when the id changes (in
    repoint), only at creation, or never. Or the new PEM comes with an apply elsewhere, or when the consumer reads it itself. Or the
    apply that sends it fails there, or leaves nothing behind.
    """

    SENT = "sent"
    REPLACED = "replaced"
    RELOAD = "reload"
    BY_ID = "by id"
    NEVER = "never"
    IGNORED = "ignored"
    CREATION = "creation"
    ELSEWHERE = "elsewhere"
    READS = "reads"
    BREAKS = "breaks"
    UNKNOWN = "unknown"


class TrustConsumer(Struct, frozen=True, kw_only=True):
    """A place that uses the certificate's PEM: what tells a backend whom to trust.

    `location` is the line that takes the PEM. `effect` says what Terraform does when the PEM in it changes, as a sentence without a
    full stop, and `needs` what must change with it; empty where nothing must. `place` names the attribute, to compare it with a
    consumer of another certificate. `both` says that the expression holds the PEM of another certificate too.
    """

    what: str
    location: Location
    delivery: Delivery = Delivery.UNKNOWN
    effect: str = ""
    needs: str = ""
    place: str = ""
    both: bool = False

    @property
    def is_sent(self) -> bool:
        """Whether the apply that changes the PEM in the expression is what changes the consumer."""
        return self.delivery not in {
            Delivery.BY_ID, Delivery.NEVER, Delivery.IGNORED, Delivery.CREATION, Delivery.READS, Delivery.BREAKS,
        }  # fmt: skip

    @property
    def is_editable(self) -> bool:
        """Whether `--trust-bundle` edits the place: one that Terraform ignores, or that holds both PEMs, stays as it is."""
        return not self.both and self.delivery not in {Delivery.IGNORED, Delivery.CREATION}

    def is_calm(self, phase: Phase, *, both: bool) -> bool:
        """Whether a phase needs nobody's attention here: it leaves the place alone, or updates it in place for certain.

        `both` says that introduce edits the places to hold both PEMs.
        """
        updated = self.delivery in {Delivery.SENT, Delivery.ELSEWHERE}
        match phase:
            case Phase.INTRODUCE:
                untouched = not (both or self.both) and self.delivery not in {
                    Delivery.IGNORED,
                    Delivery.CREATION,
                }
                return untouched or updated
            case Phase.REPOINT:
                return (updated or self.delivery is Delivery.REPLACED) and (both or self.both)
            case Phase.RETIRE:
                return updated or self.delivery is Delivery.CREATION
            case Phase.ROLLBACK:
                return self.delivery is not Delivery.BY_ID


class TakenUp(Struct, frozen=True, kw_only=True):
    """A rotation that somebody began manually and that tfcert goes on with: the guess, and whether state has the successor.

    Introduce then adds the comment that makes the guess certain; where the successor is not applied yet, it also gives the
    references that name it back to the predecessor.
    """

    guess: str
    applied: bool

    @property
    def then(self) -> str:
        """What to do with the patch of introduce."""
        if self.applied:
            return "`tfcert patch` adds the comment that says so, and no apply follows it; then ask again"
        return (
            "`tfcert patch` writes what separates it: the stages keep the old certificate until the new one, applied alone, is "
            "trusted by every backend; then ask again"
        )


class Rotation(Struct, frozen=True, kw_only=True):
    """One predecessor on its way out, and its successor; both are addresses of blocks.

    `predecessor` is None where Terraform does not manage the certificate: then `predecessor_ids` names it. `successor` is the
    declared one, else the one that introduce would write. `stages` are the addresses of the instances that present the
    predecessor, `end` is its earliest end. `back` is the step of a rollback: it is never `next`. `late` is there where the trust
    window does not fit before the end. `trust` has the consumers of the predecessor's PEM. `passed_over` are successors that
    end too soon to be of use. `left_over` says that only the removal is to do. `instances` are those that the successor has, or
    will have, in this state.
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
    late: Late | None = None
    trust: tuple[TrustConsumer, ...] = ()
    taken_up: TakenUp | None = None
    passed_over: tuple[Address, ...] = ()
    left_over: bool = False
    instances: tuple[Address, ...] = ()

    @property
    def label(self) -> str:
        """How a report names it: the predecessor's address, else its id."""
        return (
            str(self.predecessor)
            if self.predecessor is not None
            else ", ".join(self.predecessor_ids)
        )


def sort_rotations(rotations: Iterable[Rotation]) -> tuple[Rotation, ...]:
    """Rotations by the end of what goes, the unknown last, then by name."""
    never = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(rotations, key=lambda rotation: (rotation.end or never, rotation.label)))


class ManualStep(Struct, frozen=True, kw_only=True):
    """One step: what it does, the shell lines that do it (POSIX, every name quoted), and what must hold before the next."""

    does: str
    commands: tuple[str, ...] = ()
    then: str | None = None


class ManualRotation(Struct, frozen=True, kw_only=True):
    """The rotation of one certificate by the AWS CLI; tfcert prints it, and runs none of it.

    `managed` is whether Terraform knows the certificate, None where that is not known. `successor` is the certificate that was made
    to succeed it, None where none was made yet. `stages` are those that a person has to move, as a report names them.
    """

    certificate_id: str
    place: Place
    managed: bool | None
    successor: str | None
    ends: datetime | None
    stages: tuple[str, ...]
    steps: tuple[ManualStep, ...]


class WrittenPatch(Struct, frozen=True, kw_only=True):
    """One phase of the rotations of one configuration, as text that `git apply` takes.

    `file_name` is where `tfcert patch --phase all --out` would store it (`1-introduce.patch`); where a run reads several
    configurations the folder of each comes before it. `diff` has the header of comments, which says what must hold first.
    `rotations` are the labels of the predecessors, `unmet` the conditions that do not hold yet, or that nobody has confirmed.
    """

    phase: Phase
    file_name: str
    diff: str
    rotations: tuple[str, ...]
    unmet: tuple[str, ...] = ()
