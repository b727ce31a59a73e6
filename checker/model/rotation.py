"""Rotations: their phases, steps and conditions, the consumers of the PEM, and patches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.deadlines import Late
from checker.model.location import Location
from checker.model.places import Place

if TYPE_CHECKING:
    from checker.model.trust import StagePair, TrustEvidence


class Phase(StrEnum):
    """The three phases of a rotation, one per apply; rollback undoes repoint before retire."""

    INTRODUCE = "introduce"
    REPOINT = "repoint"
    RETIRE = "retire"
    ROLLBACK = "rollback"


# The value of `--expect`: one phase by name, or the next phase of each rotation.
Expected = Phase | Literal["next"]

SERIES = (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE)


class Next(Struct, frozen=True):
    """The phase whose patch is safe to apply now."""

    phase: Phase


class Waiting(Struct, frozen=True):
    """Something must happen first, and it is in progress or the user must do it.

    `unverified`: AWS did not confirm it. `until` is the moment from which time alone is no
    obstacle; then the reason begins with it.
    """

    reason: str
    unverified: bool = False
    until: datetime | None = None


class Blocked(Struct, frozen=True):
    """A rotation is due and tfcert cannot write it safely: why, and what the user must do."""

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
    """A condition of a phase, to be met before it is applied, and whether it is met.

    If time alone meets it, `until` is that moment, and `why` describes the present. `evidence` is
    what the status is based on, in words; empty if nothing is known.
    """

    phase: Phase
    text: str
    holds: ConditionStatus
    until: datetime | None = None
    why: str = ""
    evidence: str = ""


class Caution(Struct, frozen=True, kw_only=True):
    """A side effect of a phase that the user must know; it blocks nothing.

    `unless_both`: there is none if introduce is written with `--trust-bundle`.
    """

    phase: Phase
    text: str
    unless_both: bool = False


class Delivery(StrEnum):
    """How a new PEM reaches a consumer.

    Terraform sends it by one apply, which updates or replaces the consumer; the consumer may need a
    reload as well. Or Terraform sends it when the id changes (in repoint), only at creation, or
    never. Or the new PEM comes by another configuration's apply, or the consumer reads it itself.
    Or the apply that sends it fails there, or leaves nothing behind. Or it cannot be planned while
    the PEM is not known, because the PEM decides which instances there are. Or the place takes
    exactly one certificate. Or it changes with the PEM and does not have it, as a hash does.
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
    KEY = "key"
    ONE = "one"
    FOLLOWS = "follows"
    UNKNOWN = "unknown"


class JoinedTrust(Struct, frozen=True, kw_only=True):
    """How a change reaches a consumer whose text has both PEMs, in the form that tfcert writes.

    The text has then also what makes Terraform send them: `--trust-bundle` writes both.
    """

    delivery: Delivery
    effect: str
    needs: str = ""


class TrustConsumer(Struct, frozen=True, kw_only=True):
    """A place that uses the certificate's PEM to tell a backend which certificate to trust.

    `location` is the line that takes the PEM. `effect` says what Terraform does when the PEM
    changes, as a sentence without a period. `needs` says what must change with it; empty if
    nothing. `place` names the attribute, for the comparison with a consumer of another certificate.
    `both`: the expression contains the PEM of the successor too. `block` is the resource; None if
    it is none. `attribute` is the resource's attribute that records the PEM; None if state does not
    record it there. `only_if` is the condition under which it has the PEM; empty if it always has.
    `joined` is what the edits of `--trust-bundle` do; None if it does not edit the place, and then
    `manual` says why, and what to do. `written`: the text has both PEMs in the form that tfcert
    writes.
    """

    what: str
    location: Location
    delivery: Delivery = Delivery.UNKNOWN
    effect: str = ""
    needs: str = ""
    place: str = ""
    both: bool = False
    block: Address | None = None
    attribute: str | None = None
    only_if: str = ""
    joined: JoinedTrust | None = None
    manual: str = ""
    written: bool = False

    @property
    def has_pem(self) -> bool:
        """Return whether the place has the PEM, and not only a hash of it or a trigger."""
        joined = self.joined.delivery if self.joined is not None else self.delivery
        return Delivery.FOLLOWS not in {self.delivery, joined}

    @property
    def is_sent(self) -> bool:
        """Return whether the apply that changes the PEM also changes the consumer."""
        return self.delivery not in {
            Delivery.BY_ID,
            Delivery.NEVER,
            Delivery.IGNORED,
            Delivery.CREATION,
            Delivery.READS,
            Delivery.BREAKS,
        }

    @property
    def is_editable(self) -> bool:
        """Return whether `--trust-bundle` edits the place."""
        return not self.both and self.joined is not None

    def has_both(self, *, both: bool) -> bool:
        """Return whether its text has both PEMs after introduce.

        `both`: introduce edits the places to contain both PEMs.
        """
        return self.both or (both and self.joined is not None)

    def in_phase(self, phase: Phase, *, both: bool) -> TrustConsumer:
        """Return the consumer as its text will be in a phase.

        A version that was raised in introduce stays as it is until retire.
        """
        joined = self.joined
        if joined is None or not self.has_both(both=both):
            return self
        if self.both and phase is not Phase.RETIRE:
            return self
        return replace(self, delivery=joined.delivery, effect=joined.effect, needs=joined.needs)

    def is_calm(self, phase: Phase, *, both: bool) -> bool:
        """Return whether a phase needs nobody's attention here.

        Then it leaves the place unchanged, or certainly updates it in place. `both`: introduce
        edits the places to contain both PEMs.
        """
        here = self.in_phase(phase, both=both)
        updated = here.delivery in {Delivery.SENT, Delivery.ELSEWHERE}
        has_both = self.has_both(both=both)
        match phase:
            case Phase.INTRODUCE:
                untouched = not (both or self.both) and self.delivery not in _ALWAYS_NAMED
                return untouched or (updated and has_both and not self.only_if)
            case Phase.REPOINT:
                changed = updated or here.delivery is Delivery.REPLACED
                return (changed and has_both and not self.only_if) or not self.has_pem
            case Phase.RETIRE:
                return updated or here.delivery is Delivery.CREATION
            case Phase.ROLLBACK:
                return here.delivery is not Delivery.BY_ID


_ALWAYS_NAMED = frozenset({Delivery.IGNORED, Delivery.CREATION, Delivery.ONE})


class TakenUp(Struct, frozen=True, kw_only=True):
    """A rotation that somebody began manually and that tfcert continues.

    `guess` is the assumption, and `applied` whether state has the successor. Introduce adds the
    comment that confirms the guess. If the successor is not applied yet, introduce also points its
    references back to the predecessor.
    """

    guess: str
    applied: bool

    @property
    def then(self) -> str:
        """Return what to do with the patch of introduce."""
        if self.applied:
            return (
                "`tfcert patch` adds the comment that says so, and no apply follows it; "
                "then run tfcert again"
            )
        return (
            "`tfcert patch` writes what separates it: the stages keep the old certificate until "
            "the new one, applied alone, is trusted by every backend; then run tfcert again"
        )


class Rotation(Struct, frozen=True, kw_only=True):
    """One predecessor and its successor; both are addresses of blocks.

    `predecessor` is None if Terraform does not manage the certificate: then `predecessor_ids` names
    it. `successor` is the declared one, else the one that introduce would write. `stages` are the
    addresses of the instances that present the predecessor, and `end` is its earliest end. `back`
    is the step of a rollback: it is never `next`. `late` is set if the trust window does not fit
    before the end. `trust` has the consumers of the predecessor's PEM. `passed_over` are successors
    that end too soon to be useful. `left_over`: only the removal is left to do. `instances` are
    those that the successor has, or will have, in this state. `evidence` says of each declared
    backend whether it trusts the successor; it is empty if the policy declares none. `pairs` has
    its stages with both certificates, once the successor is in state.
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
    evidence: tuple[TrustEvidence, ...] = ()
    pairs: tuple[StagePair, ...] = ()

    @property
    def label(self) -> str:
        """Return its name in reports: the predecessor's address, else its id."""
        return (
            str(self.predecessor)
            if self.predecessor is not None
            else ", ".join(self.predecessor_ids)
        )


def sort_rotations(rotations: Iterable[Rotation]) -> tuple[Rotation, ...]:
    """Return rotations sorted by the end of the predecessor (unknown last), then by name."""
    never = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(rotations, key=lambda rotation: (rotation.end or never, rotation.label)))


class ManualStep(Struct, frozen=True, kw_only=True):
    """One manual step: its purpose, its shell lines, and the condition of the next step.

    The lines are POSIX shell, with every name quoted.
    """

    does: str
    commands: tuple[str, ...] = ()
    then: str | None = None


class ManualRotation(Struct, frozen=True, kw_only=True):
    """The rotation of one certificate with the AWS CLI; tfcert prints it and runs none of it.

    `managed` is whether Terraform knows the certificate; None if that is not known. `successor` is
    the existing successor certificate; None if there is none yet. `stages` are the stages that the
    user has to move, as a report names them.
    """

    certificate_id: str
    place: Place
    managed: bool | None
    successor: str | None
    ends: datetime | None
    stages: tuple[str, ...]
    steps: tuple[ManualStep, ...]


class WrittenPatch(Struct, frozen=True, kw_only=True):
    """One phase of the rotations of one configuration, as a patch for `git apply`.

    `file_name` is the name that `tfcert patch --phase all --out` gives it (`1-introduce.patch`). If
    a run reads several configurations, the `folder` of each comes before it. `diff` includes the
    header of comments with the conditions. `rotations` are the labels of the predecessors. `unmet`
    has the conditions that are not met yet, or that nobody has confirmed.
    """

    phase: Phase
    file_name: str
    diff: str
    rotations: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    folder: str = ""
