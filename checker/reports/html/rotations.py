"""The cards of rotations on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from shlex import quote

from msgspec import Struct

from checker.model.deadlines import LatePlan, late_plan, moment
from checker.model.outcome import Outcome
from checker.model.rotation import (
    SERIES,
    Blocked,
    ConditionStatus,
    Done,
    Next,
    Phase,
    Rotation,
    Waiting,
)
from checker.reports.html.format import (
    Date,
    Deadline,
    Name,
    StageName,
    date_of,
    deadline_of,
    listed,
    split,
)
from checker.reports.presenting import count_noun
from checker.rotation.sentences import status_in_words, step_in_words

_STATE = {ConditionStatus.YES: "yes", ConditionStatus.NO: "no", ConditionStatus.UNKNOWN: "unknown"}


class CardAction(Struct, frozen=True, kw_only=True):
    """The next action of a rotation: what to do, the reason or the way, and a command.

    `state` is next, waiting, blocked or done. `phase` is the next phase, whether or not it is safe
    now. The command is empty if the patch is on the page, or if there is no patch.
    """

    state: str
    phase: str
    what: str
    how: str
    command: str


class Stop(Struct, frozen=True):
    """One phase of a rotation: `done`, `now` or `later`, and its deadline."""

    phase: str
    state: str
    by: Date | None


class ConditionView(Struct, frozen=True):
    """A condition: `yes`, `no` or `unknown`, its text, and its status in words."""

    state: str
    text: str
    status: str


class PhaseConditions(Struct, frozen=True):
    """The conditions of a phase."""

    phase: str
    conditions: tuple[ConditionView, ...]


class Links(Struct, frozen=True):
    """The anchors of a rotation's patch and of its manual steps."""

    patch: str | None = None
    steps: str | None = None


class Card(Struct, frozen=True, kw_only=True):
    """One rotation."""

    anchor: str
    predecessor: Name
    successor: Name | None
    action: CardAction
    deadline: Deadline | None
    late: LatePlan | None
    stops: tuple[Stop, ...]
    required: PhaseConditions
    cautions: tuple[str, ...]
    stages: tuple[StageName, ...]
    links: Links
    ids: tuple[str, ...] = ()


def anchors(outcome: Outcome) -> dict[int, str]:
    """Return the anchor of each rotation on the page, by its position."""
    return {number: f"r{number}" for number in range(len(outcome.rotations))}


def cards(
    outcome: Outcome, patches: Mapping[tuple[Phase, str], str], steps: Mapping[str, str]
) -> tuple[Card, ...]:
    """Return a card for each rotation.

    `patches` is the anchor of a written patch by its phase and a rotation's label. `steps` is the
    anchor of manual steps by the id of a certificate.
    """
    made: list[Card] = []
    for number, anchor in anchors(outcome).items():
        rotation = outcome.rotations[number]
        phase = _phase(rotation)
        links = Links(
            patch=patches.get((phase, rotation.label)),
            steps=next((steps[each] for each in rotation.predecessor_ids if each in steps), None),
        )
        made.append(_card(anchor, rotation, phase, links, outcome.cases.as_of))
    return tuple(made)


def _card(anchor: str, rotation: Rotation, phase: Phase, links: Links, as_of: datetime) -> Card:
    by = None if isinstance(rotation.step, Done) else _dates(rotation).get(phase)
    return Card(
        anchor=anchor,
        predecessor=split(rotation.label),
        successor=split(str(rotation.successor)) if rotation.successor is not None else None,
        action=_action(rotation, phase, written=links.patch is not None),
        deadline=deadline_of(by, as_of) if by is not None else None,
        late=late_plan(rotation.late, as_of) if rotation.late is not None else None,
        stops=tuple(_stops(rotation, phase)),
        required=_required(rotation, phase),
        cautions=tuple(caution.text for caution in rotation.cautions if caution.phase is phase),
        stages=tuple(listed(StageName(split(stage), "") for stage in rotation.stages)),
        links=links,
        ids=rotation.predecessor_ids,
    )


def _phase(rotation: Rotation) -> Phase:
    """Return the next phase, whether or not it is safe now."""
    if isinstance(rotation.step, Next):
        return rotation.step.phase
    if not rotation.introduced:
        return Phase.INTRODUCE
    return Phase.REPOINT if rotation.stages else Phase.RETIRE


def _dates(rotation: Rotation) -> dict[Phase, datetime | None]:
    return {Phase.INTRODUCE: rotation.introduce_by, Phase.REPOINT: rotation.repoint_by}


def _stops(rotation: Rotation, phase: Phase) -> Iterator[Stop]:
    dates = _dates(rotation)
    at = len(SERIES) if isinstance(rotation.step, Done) else SERIES.index(phase)
    for number, each in enumerate(SERIES):
        state = "done" if number < at else "now" if number == at else "later"
        by = dates.get(each)
        yield Stop(str(each), state, date_of(by) if by is not None else None)


def _required(rotation: Rotation, phase: Phase) -> PhaseConditions:
    """Return the conditions that the card shows.

    Introduce has no conditions, so its card shows those of repoint, the phase after it.
    """
    if phase is Phase.INTRODUCE and not isinstance(rotation.step, Blocked):
        phase = Phase.REPOINT
    return PhaseConditions(
        str(phase),
        tuple(
            ConditionView(_STATE[each.holds], each.text, status_in_words(each))
            for each in rotation.conditions
            if each.phase is phase
        ),
    )


def _action(rotation: Rotation, phase: Phase, *, written: bool) -> CardAction:
    command = ""
    match rotation.step:
        case Next():
            state, what, how = (
                "next",
                _what(rotation, phase),
                _how(rotation, phase, written=written),
            )
            command = "" if written else f"tfcert patch --only {quote(rotation.label)}"
        case Waiting(until=until) if until is not None:
            what = f"Wait until {moment(until)}, then run tfcert again"
            state, how = "waiting", step_in_words(rotation)
        case Waiting(reason=reason):
            state, what, how = "waiting", "Wait, then run tfcert again", reason
        case Blocked(reason=reason, remedy=remedy):
            state, what, how = "blocked", remedy, reason
        case Done():
            state, what, how = "done", "Nothing is left to do", ""
    return CardAction(state=state, phase=str(phase), what=what, how=how, command=command)


def _how(rotation: Rotation, phase: Phase, *, written: bool) -> str:
    """Return how to take a phase: unmet conditions first, then those for a person to confirm."""
    own = [condition for condition in rotation.conditions if condition.phase is phase]
    unmet = "; ".join(condition.text for condition in own if condition.holds is ConditionStatus.NO)
    unsure = "; ".join(
        condition.text for condition in own if condition.holds is ConditionStatus.UNKNOWN
    )
    sentences = (
        f"First, this must be true: {unmet}." if unmet else "",
        f"First, make sure: {unsure}." if unsure else "",
        "Then apply its patch" if unmet or unsure else "Apply its patch",
    )
    return " ".join(filter(None, sentences)) + (
        ", with no other change in the same apply." if written else ". This command writes it:"
    )


def _what(rotation: Rotation, phase: Phase) -> str:
    old = split(rotation.label).own
    new = rotation.successor.name if rotation.successor is not None else "its successor"
    match phase:
        case Phase.INTRODUCE:
            return f"Introduce {new} beside {old}"
        case Phase.REPOINT:
            return f"Repoint {count_noun(len(rotation.stages), 'stage')} from {old} to {new}"
        case Phase.RETIRE:
            return f"Retire {old}"
        case Phase.ROLLBACK:
            return f"Roll back from {new} to {old}"
