"""The cards of rotations and of manual rotations on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.deadlines import LatePlan, late_plan, moment
from checker.model.outcome import Outcome
from checker.model.rotation import (
    SERIES,
    Blocked,
    ConditionStatus,
    Done,
    ManualRotation,
    ManualStep,
    Next,
    Phase,
    Rotation,
    Waiting,
)
from checker.reports.html.diffs import fits_html, show_controls
from checker.reports.html.format import (
    Date,
    Name,
    StageName,
    count_noun,
    date_of,
    listed,
    split,
    time_left,
)
from checker.rotation.sentences import step_in_words

if TYPE_CHECKING:
    from markupsafe import Markup


_STATE = {ConditionStatus.YES: "yes", ConditionStatus.NO: "no", ConditionStatus.UNKNOWN: "unknown"}


class Stop(Struct, frozen=True):
    """One phase of a rotation: `done`, `now` or `later`, and its deadline."""

    phase: str
    state: str
    by: Date | None


class Check(Struct, frozen=True):
    """A condition of the next phase: `yes`, `no` or `unknown`, and its text."""

    state: str
    text: str
    said: str


class Card(Struct, frozen=True, kw_only=True):
    """One rotation.

    `state` is next, waiting, blocked or done. `deed` is the next action, `how` is the way to take
    it.
    """

    anchor: str
    predecessor: Name
    successor: Name | None
    phase: str
    state: str
    deed: str
    how: str
    command: str
    by: Date | None
    due: str
    late: bool
    stops: tuple[Stop, ...]
    awaited: str
    checks: tuple[Check, ...]
    cautions: tuple[str, ...]
    stages: tuple[StageName, ...]
    patch: str | None
    steps: str | None
    plan: LatePlan | None = None


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
    return tuple(
        _card(anchor, outcome.rotations[number], patches, steps, outcome.cases.as_of)
        for number, anchor in anchors(outcome).items()
    )


def _card(
    anchor: str,
    rotation: Rotation,
    patches: Mapping[tuple[Phase, str], str],
    steps: Mapping[str, str],
    as_of: datetime,
) -> Card:
    phase = _phase(rotation)
    patch = patches.get((phase, rotation.label))
    state, deed, how = _told(rotation, written=patch is not None)
    by = (
        {Phase.INTRODUCE: rotation.introduce_by, Phase.REPOINT: rotation.repoint_by}.get(phase)
        if state != "done"
        else None
    )
    dates = {Phase.INTRODUCE: rotation.introduce_by, Phase.REPOINT: rotation.repoint_by}
    at = len(SERIES) if state == "done" else SERIES.index(phase)
    stops = tuple(
        Stop(
            str(each),
            "done" if number < at else "now" if number == at else "later",
            _date(dates.get(each)),
        )
        for number, each in enumerate(SERIES)
    )
    return Card(
        anchor=anchor,
        predecessor=split(rotation.label),
        successor=split(str(rotation.successor)) if rotation.successor is not None else None,
        phase=str(phase),
        state=state,
        deed=deed,
        how=how,
        command=f"tfcert patch --only {quote(rotation.label)}"
        if state == "next" and patch is None
        else "",
        by=_date(by),
        due=time_left((by - as_of) // timedelta(days=1)) if by is not None else "",
        late=by is not None and by < as_of,
        stops=stops,
        awaited=str(_awaited(rotation, phase)),
        checks=tuple(
            Check(_STATE[condition.holds], condition.text, str(condition.holds))
            for condition in rotation.conditions
            if condition.phase is _awaited(rotation, phase)
        ),
        cautions=tuple(caution.text for caution in rotation.cautions if caution.phase is phase),
        stages=tuple(listed(StageName(split(stage), "") for stage in rotation.stages)),
        patch=patch,
        steps=next(
            (steps[identity] for identity in rotation.predecessor_ids if identity in steps), None
        ),
        plan=late_plan(rotation.late, as_of) if rotation.late is not None else None,
    )


def _phase(rotation: Rotation) -> Phase:
    """Return the next phase, whether or not it is safe now."""
    if isinstance(rotation.step, Next):
        return rotation.step.phase
    if not rotation.introduced:
        return Phase.INTRODUCE
    return Phase.REPOINT if rotation.stages else Phase.RETIRE


def _awaited(rotation: Rotation, phase: Phase) -> Phase:
    """Return the phase whose conditions the card shows.

    Introduce has no conditions, so its card shows those of repoint, the phase after it.
    """
    return (
        Phase.REPOINT
        if phase is Phase.INTRODUCE and not isinstance(rotation.step, Blocked)
        else phase
    )


def _told(rotation: Rotation, *, written: bool) -> tuple[str, str, str]:
    match rotation.step:
        case Next(phase=phase):
            return "next", _deed(phase, rotation), _how(rotation, phase, written=written)
        case Waiting(reason=reason, until=until_) if until_ is not None:
            return (
                "waiting",
                f"Wait until {moment(until_)}, then ask again",
                step_in_words(rotation),
            )
        case Waiting(reason=reason):
            return "waiting", "Wait, then ask again", reason
        case Blocked(reason=reason, remedy=remedy):
            return "blocked", remedy, reason
        case Done():
            return "done", "Nothing is left to do", ""


def _how(rotation: Rotation, phase: Phase, *, written: bool) -> str:
    """Return how to take a phase: unmet conditions first, then those for a person to confirm."""
    own = [condition for condition in rotation.conditions if condition.phase is phase]
    unmet = "; ".join(condition.text for condition in own if condition.holds is ConditionStatus.NO)
    unsure = "; ".join(
        condition.text for condition in own if condition.holds is ConditionStatus.UNKNOWN
    )
    sentences = (
        f"Not before this holds: {unmet}." if unmet else "",
        f"Make sure first: {unsure}." if unsure else "",
        "Then apply its patch" if unmet or unsure else "Apply its patch",
    )
    return " ".join(filter(None, sentences)) + (
        ", and nothing else in the same apply." if written else ", which this writes:"
    )


def _deed(phase: Phase, rotation: Rotation) -> str:
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
            return f"Go back from {new} to {old}"


def _date(moment: datetime | None) -> Date | None:
    return date_of(moment) if moment is not None else None


class StepView(Struct, frozen=True, kw_only=True):
    """One step: its action, its shell commands, and the conditions of the next step.

    `whole` is whether the page can contain the commands unchanged, as for a patch.
    """

    does: str
    commands: Markup | None
    whole: bool
    then: str | None


class ManualCard(Struct, frozen=True, kw_only=True):
    """One certificate to rotate with the AWS CLI."""

    anchor: str
    certificate: str
    place: str
    whose: str
    end: Date | None
    due: str
    stages: tuple[str, ...]
    steps: tuple[StepView, ...]


def manual_cards(rotations: tuple[ManualRotation, ...], as_of: datetime) -> tuple[ManualCard, ...]:
    """Return the cards of the manual rotations, in the order of the report."""
    return tuple(
        ManualCard(
            anchor=f"h{number}",
            certificate=rotation.certificate_id,
            place=str(rotation.place),
            whose=_whose(managed=rotation.managed),
            end=date_of(rotation.ends) if rotation.ends is not None else None,
            due=time_left((rotation.ends - as_of) // timedelta(days=1))
            if rotation.ends is not None
            else "",
            stages=rotation.stages,
            steps=tuple(map(_step, rotation.steps)),
        )
        for number, rotation in enumerate(rotations)
    )


def steps_of(rotations: tuple[ManualRotation, ...]) -> Mapping[str, str]:
    """Return the anchor of the steps for each certificate, by its id.

    An id that two places have is omitted.
    """
    times = Counter(rotation.certificate_id for rotation in rotations)
    return {
        rotation.certificate_id: f"h{number}"
        for number, rotation in enumerate(rotations)
        if times[rotation.certificate_id] == 1
    }


def _step(step: ManualStep) -> StepView:
    text = "\n".join(step.commands)
    return StepView(
        does=step.does,
        commands=show_controls(text) if text else None,
        whole=fits_html(text),
        then=step.then,
    )


def _whose(*, managed: bool | None) -> str:
    match managed:
        case True:
            return "Terraform's, and stages that are not Terraform's present it"
        case False:
            return "in no state that was given"
        case None:
            return "if it is Terraform's, use `tfcert patch` where its state is, and not this"
