"""The paragraphs of rotations, of patches and of manual rotations in the plain-text report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from checker.model.deadlines import LatePlan, late_plan
from checker.model.outcome import Outcome
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, Waiting, WrittenPatch
from checker.reports.escape import printable
from checker.reports.headline.facts import open_rotations
from checker.reports.presenting import manager_in_words
from checker.reports.text.layout import Line, TextSpan, Tone, wrapped
from checker.rotation.sentences import (
    condition_in_words,
    deadlines,
    drops,
    open_conditions,
    step_in_words,
)

if TYPE_CHECKING:
    from checker.model.rotation import ManualRotation

# So many rotations are shown in full; of more than the second number, only the first few are.
_FEW, _MANY = 1, 12
_FEW_MANUAL, _MANY_MANUAL = 1, 3


_THEN = {
    Phase.INTRODUCE: "apply the patch that `tfcert patch` writes, "
    "then make the backends trust the successor as well",
    Phase.REPOINT: "apply the patch that `tfcert patch` writes, then watch the backends",
    Phase.RETIRE: "apply the patch that `tfcert patch` writes, "
    "then remove the old certificate from what the backends trust",
    Phase.ROLLBACK: "apply the patch that `tfcert patch --phase rollback` writes",
}


def what_next(outcome: Outcome, width: int, *, every: bool) -> Iterator[Line]:
    """Yield a paragraph for each rotation, and the names of the patches.

    Without `every`, many rotations are cut short, and the last line counts the rest.
    """
    rotations = open_rotations(outcome)
    shown = rotations if every or len(rotations) <= _MANY else rotations[:_FEW]
    for rotation in shown:
        yield Line(())
        yield from _rotation(rotation, width, outcome.cases.as_of)
    if len(shown) < len(rotations):
        yield Line(())
        yield from wrapped((TextSpan(_rest(rotations[len(shown) :])),), width, hanging=4)
    if outcome.patches:
        yield Line(())
        yield from _patches(outcome.patches, width)


def _rest(rotations: Sequence[Rotation]) -> str:
    steps = Counter(map(_word, rotations))
    counts = ", ".join(f"{count} {word}" for word, count in steps.items())
    return f"{len(rotations)} more rotations ({counts}); --all shows them"


def _word(rotation: Rotation) -> str:
    match rotation.step:
        case Next(phase=phase):
            return str(phase)
        case Waiting():
            return "waiting"
        case Blocked():
            return "blocked"
        case Done():
            return "done"


def _patches(patches: tuple[WrittenPatch, ...], width: int) -> Iterator[Line]:
    """Yield the names of the patches, and how to get them.

    The report does not contain their text: wrapped and trimmed, a patch could not be applied.
    """
    for patch in patches:
        yield from wrapped(
            (TextSpan(patch.file_name, Tone.STRONG), TextSpan(f": {', '.join(patch.rotations)}")),
            width,
            hanging=4,
        )
        for condition in patch.unmet:
            yield from wrapped((TextSpan(f"first: {condition}"),), width, indent=4, hanging=6)
    text = (
        "-> `tfcert patch --phase all --out DIR` stores them; "
        "the formats json, markdown and html contain them"
    )
    yield from wrapped((TextSpan(text),), width, indent=4, hanging=7)


def _rotation(rotation: Rotation, width: int, as_of: datetime) -> Iterator[Line]:
    yield from wrapped(
        (TextSpan("rotation ", Tone.STRONG), TextSpan(rotation.label)), width, hanging=4
    )
    if rotation.successor is not None:
        yield from wrapped(
            (TextSpan(f"successor: {rotation.successor}"),), width, indent=4, hanging=6
        )
    if rotation.taken_up is not None and isinstance(rotation.step, Next):
        yield from wrapped((TextSpan(rotation.taken_up.guess),), width, indent=4, hanging=6)
    more = ""
    match rotation.step:
        case Next(phase=phase):
            tone, more = Tone.STRONG, rotation.taken_up.then if rotation.taken_up else _THEN[phase]
        case Waiting():
            tone = Tone.WARNING
        case Blocked(remedy=more):
            tone = Tone.ERROR
        case Done():
            tone = Tone.GOOD
    yield from wrapped((TextSpan(_step(rotation), tone),), width, indent=4, hanging=6)
    if more:
        yield from wrapped((TextSpan(f"-> {more}"),), width, indent=4, hanging=7)
    yield from _trust(rotation, width)
    dates = deadlines(rotation, as_of)
    if dates:
        yield from wrapped((TextSpan(dates),), width, indent=4)
    if rotation.late is not None:
        yield from _late(late_plan(rotation.late, as_of), width)


def _trust(rotation: Rotation, width: int) -> Iterator[Line]:
    lines = [f"trust: {each.in_words}" for each in rotation.evidence]
    for text in (*lines, *(f"note: {each}" for each in drops(rotation.evidence))):
        yield from wrapped((TextSpan(text),), width, indent=4, hanging=6)


def _step(rotation: Rotation) -> str:
    if not isinstance(rotation.step, Next):
        return step_in_words(rotation)
    unmet = "; ".join(map(condition_in_words, open_conditions(rotation, rotation.step.phase)))
    return f"next: {rotation.step.phase}{f'; before you apply it: {unmet}' if unmet else ''}"


def _late(plan: LatePlan, width: int) -> Iterator[Line]:
    yield from wrapped((TextSpan(plan.why, Tone.ERROR),), width, indent=4, hanging=6)
    for number, step in enumerate(plan.steps, 1):
        yield from wrapped((TextSpan(f"{number}. {step}"),), width, indent=6, hanging=9)
    for risk in plan.risks:
        yield from wrapped((TextSpan(f"risk: {risk}"),), width, indent=6, hanging=8)


_COMMENT = "    # "


def manual_steps(rotations: Sequence[ManualRotation], width: int, *, every: bool) -> Iterator[Line]:
    """Yield each rotation with its numbered steps; a command is never broken.

    Without `every`, many rotations are cut short, and the last line counts the rest.
    """
    shown = rotations if every or len(rotations) <= _MANY_MANUAL else rotations[:_FEW_MANUAL]
    for rotation in shown:
        yield Line(())
        manager = manager_in_words(managed=rotation.managed)
        who = TextSpan(f"certificate {rotation.certificate_id} ({rotation.place}): {manager}")
        yield from wrapped((TextSpan("manual rotation: ", Tone.STRONG), who), width, hanging=4)
        for number, step in enumerate(rotation.steps, start=1):
            yield from _comment(step.does, f"{number}. ", width)
            yield from (Line((TextSpan(printable(f"    {command}")),)) for command in step.commands)
            if step.then is not None:
                yield from _comment(step.then, "   => ", width)
    if len(shown) < len(rotations):
        yield Line(())
        text = f"{len(rotations) - len(shown)} more manual rotations; --all shows their steps"
        yield from wrapped((TextSpan(text),), width, hanging=4)


def _comment(text: str, before: str, width: int) -> Iterator[Line]:
    margin = _COMMENT + before
    for number, line in enumerate(wrapped((TextSpan(text),), width - len(margin))):
        yield Line(
            (
                TextSpan(
                    (_COMMENT + " " * len(before) if number else margin) + line.plain, Tone.FAINT
                ),
            )
        )
