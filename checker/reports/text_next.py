"""What to do next, as text: each rotation with its step and its dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from checker.domain.deadlines import LatePlan, late_plan
from checker.domain.outcome import Outcome
from checker.domain.rotation import Blocked, Done, Next, Phase, Rotation, Waiting
from checker.domain.written import WrittenPatch
from checker.reports.wrapping import Line, TextSpan, Tone, wrapped
from checker.rotation.sentences import condition_in_words, deadlines, open_conditions, step_in_words

_THEN = {
    Phase.INTRODUCE: "apply what `tfcert patch` writes, then have the backends trust the successor beside it",
    Phase.REPOINT: "apply what `tfcert patch` writes, then watch the backends",
    Phase.RETIRE: "apply what `tfcert patch` writes; the backends need not trust it any more",
    Phase.ROLLBACK: "apply what `tfcert patch --phase rollback` writes",
}


def what_next(outcome: Outcome, width: int) -> Iterator[Line]:
    """A paragraph for each rotation; without any, that there is nothing to do, or what comes first."""
    for rotation in outcome.rotations:
        yield Line(())
        yield from _rotation(rotation, width, outcome.cases.as_of)
    if outcome.patches:
        yield Line(())
        yield from _patches(outcome.patches, width)
    if not outcome.rotations and not outcome.findings:
        yield Line(())
        yield from wrapped((TextSpan(_quiet(outcome)),), width, hanging=2)


def _quiet(outcome: Outcome) -> str:
    ends = [
        (case.expires_at, case.days_left)
        for case in outcome.cases.all
        if case.presented and case.expires_at is not None and case.days_left is not None
    ]
    if not ends:
        return "nothing to do: no stage that was read presents a certificate"
    first, left = min(ends)
    return f"nothing to do: the first certificate that a stage presents ends on {first:%Y-%m-%d}, in {left} days"


def _patches(patches: tuple[WrittenPatch, ...], width: int) -> Iterator[Line]:
    """Which patches there are, and how to have them: a text that is wrapped and trimmed carries none that could be applied."""
    for patch in patches:
        yield from wrapped((TextSpan(patch.file_name, Tone.STRONG), TextSpan(f": {', '.join(patch.rotations)}")), width, hanging=4)
        for condition in patch.unmet:
            yield from wrapped((TextSpan(f"first: {condition}"),), width, indent=4, hanging=6)
    told = "-> `tfcert patch --phase all --out DIR` stores them; --format json, markdown and html carry them"
    yield from wrapped((TextSpan(told),), width, indent=4, hanging=7)


def _rotation(rotation: Rotation, width: int, as_of: datetime) -> Iterator[Line]:
    yield from wrapped((TextSpan("rotation ", Tone.STRONG), TextSpan(rotation.label)), width, hanging=4)
    if rotation.successor is not None:
        yield from wrapped((TextSpan(f"successor: {rotation.successor}"),), width, indent=4, hanging=6)
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
    dates = deadlines(rotation, as_of)
    if dates:
        yield from wrapped((TextSpan(dates),), width, indent=4)
    if rotation.late is not None:
        yield from _late(late_plan(rotation.late, as_of), width)


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
