"""How the rotations of a run of `tfcert patch` stand afterwards, in lines and as an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from checker.domain.deadlines import late_plan
from checker.domain.outcome import UNVERIFIED, Outcome
from checker.domain.rotation import Blocked, Done, Next, Phase, Rotation, TakenUp, Waiting
from checker.patches.phase_patch import Patches
from checker.patches.trust_text import trust_lines
from checker.rotation.sentences import preview_in_words, step_in_words


def standing(
    outcome: Outcome, patches: Patches, *, written: bool, back: bool, only: frozenset[str] = frozenset(), retiring: bool = False
) -> list[str]:
    """A line for each rotation that is not done, with what a person must do.

    `back` and `retiring` say that a rollback or retire was asked for, `only` for which certificates.
    """
    lines: list[str] = []
    first = patches.patches[0].phase if patches.patches else None
    expected = patches.patches[0].expected if patches.patches else None
    for rotation in patches.rotations:
        both = any(rotation.label in entry.both for entry in patches.patches)
        match rotation.step:
            case Next(phase=phase) if phase is first and rotation.taken_up is not None:
                lines += _taken_up(rotation.label, rotation.taken_up, expected or str(phase), written=written)
            case Next(phase=phase) if written and phase is first:
                lines.append(f"{rotation.label}: {phase} is written; plan, `tfcert check PLAN --expect {expected}`, then apply")
            case Done():
                pass
            case Blocked(remedy=remedy):
                lines += [f"{rotation.label}: {step_in_words(rotation)}", f"  what to do: {remedy}"]
            case Next() | Waiting():
                lines.append(f"{rotation.label}: {step_in_words(rotation, both=both)}")
        lines += [f"  {text}" for text in _previews(rotation, patches)]
        lines += [f"  {text}" for text in _late(rotation, outcome.cases.as_of)]
        lines += [f"  careful: {caution.text}" for caution in rotation.cautions if caution.phase is first]
        if written and first is not None:
            lines += [f"  trust: {line}" for line in trust_lines(rotation, first, both=both)]
    lines = lines or _nothing(outcome, only, back=back, retiring=retiring)
    lines += [f"{finding.message}; {finding.remedy}" for finding in outcome.findings if finding.rule == UNVERIFIED]
    return lines


def _late(rotation: Rotation, as_of: datetime) -> Iterator[str]:
    """The order that loses least, and its risks, where no time is left for the trust window."""
    if rotation.late is not None:
        plan = late_plan(rotation.late, as_of)
        yield plan.why
        yield from (f"{number}. {text}" for number, text in enumerate(plan.steps, 1))
        yield from (f"risk: {text}" for text in plan.risks)


def _previews(rotation: Rotation, patches: Patches) -> Iterator[str]:
    """What must be known of each phase that is written although it is not the next step."""
    for entry in patches.patches:
        taken = any(each.label == rotation.label for each in entry.rotations)
        if taken and rotation.step != Next(entry.phase) and entry.phase is not Phase.ROLLBACK:
            yield preview_in_words(rotation, entry.phase)


def _nothing(outcome: Outcome, only: frozenset[str], *, back: bool, retiring: bool) -> list[str]:
    if back:
        return ["nothing to roll back: no rotation is under way; a certificate that is retired cannot be made again"]
    if only:
        return [_alone(outcome, name) for name in sorted(only)]
    if retiring:
        return ["nothing to retire: no rotation has come that far, and no certificate in state is left over"]
    return ["nothing to do: no certificate nears its end, and no rotation is under way"]


def _alone(outcome: Outcome, name: str) -> str:
    """Why there is nothing to do for one certificate that was asked for by name."""
    found = [case for case in outcome.cases.all if name in {case.id, str(case.address), str(case.address and case.address.block)}]
    ends = min((case.expires_at for case in found if case.expires_at is not None), default=None)
    until = f"it ends on {ends:%Y-%m-%d}" if ends is not None else "its end is not known"
    if any(case.presented for case in found):
        return f"nothing to do for {name}: {until}, which is not near; --even-if-not-due rotates it all the same"
    return f"nothing to do for {name}: no stage in state presents it ({until}), and it is in no rotation that is due"


def _taken_up(label: str, taken_up: TakenUp, expected: str, *, written: bool) -> list[str]:
    """How a rotation that somebody began manually goes on, once the patch is applied to the files."""
    if taken_up.applied:
        then = "this changes a comment alone: no apply follows it; ask again for the next phase"
    else:
        then = f"then plan, `tfcert check PLAN --expect {expected}`, and apply; no stage moves yet"
    return [f"{label}: {taken_up.guess}", f"  {'written' if written else 'the patch makes it certain'}: {then}"]


def exit_code(outcome: Outcome, patches: Patches) -> int:
    """3 where something is blocked or could not be verified, else 0."""
    stuck = any(_is_stuck(rotation) for rotation in patches.rotations)
    return 3 if stuck or outcome.unverified else 0


def _is_stuck(rotation: Rotation) -> bool:
    match rotation.step:
        case Blocked():
            return True
        case Waiting(unverified=unverified):
            return unverified
        case Next() | Done():
            return False
