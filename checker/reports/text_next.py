"""What to do next, as text: each rotation with its step and its dates."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.outcome import Outcome
from checker.domain.rotation import Blocked, Done, Next, Phase, Rotation, Waiting
from checker.domain.written import WrittenPatch
from checker.reports.wrapping import Line, Span, Tone, wrapped

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
        yield from _rotation(rotation, width)
    if outcome.patches:
        yield Line(())
        yield from _patches(outcome.patches, width)
    if not outcome.rotations and not outcome.findings:
        yield Line(())
        yield from wrapped((Span(_quiet(outcome)),), width, hanging=2)


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
        yield from wrapped((Span(patch.file_name, Tone.STRONG), Span(f": {', '.join(patch.rotations)}")), width, hanging=4)
        for condition in patch.unmet:
            yield from wrapped((Span(f"first: {condition}"),), width, indent=4, hanging=6)
    told = "-> `tfcert patch --phase all --out DIR` stores them; --format json, markdown and html carry them"
    yield from wrapped((Span(told),), width, indent=4, hanging=7)


def _rotation(rotation: Rotation, width: int) -> Iterator[Line]:
    yield from wrapped((Span("rotation ", Tone.STRONG), Span(rotation.label)), width, hanging=4)
    if rotation.successor is not None:
        yield from wrapped((Span(f"successor: {rotation.successor}"),), width, indent=4, hanging=6)
    if rotation.taken_up is not None and isinstance(rotation.step, Next):
        yield from wrapped((Span(rotation.taken_up.guess),), width, indent=4, hanging=6)
    more = ""
    match rotation.step:
        case Next(phase=phase):
            told, tone, more = f"next: {phase}", Tone.STRONG, rotation.taken_up.then if rotation.taken_up else _THEN[phase]
        case Waiting(reason=reason):
            told, tone = f"waiting: {reason}", Tone.WARNING
        case Blocked(reason=reason, remedy=more):
            told, tone = f"blocked: {reason}", Tone.ERROR
        case Done():
            told, tone = "done", Tone.GOOD
    yield from wrapped((Span(told, tone),), width, indent=4, hanging=6)
    if more:
        yield from wrapped((Span(f"-> {more}"),), width, indent=4, hanging=7)
    if rotation.introduce_by is not None and rotation.repoint_by is not None:
        dates = f"introduce by {rotation.introduce_by:%Y-%m-%d}, repoint by {rotation.repoint_by:%Y-%m-%d}"
        yield from wrapped((Span(dates),), width, indent=4)
