"""The plain-text report, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from checker.model.cases import Case, DocumentCases, Evidence
from checker.model.deadlines import LatePlan, late_plan, plan_in_words
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.observation import Observations
from checker.model.outcome import UNVERIFIED, Outcome, Verdict
from checker.model.resources import kind_of
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, Waiting, WrittenPatch
from checker.model.severity import Severity
from checker.reports.escape import printable
from checker.reports.presenting import manager_in_words, presenters_in_words, searched
from checker.reports.text.layout import WIDTH, Line, TextSpan, Tone, wrapped
from checker.rotation.sentences import (
    condition_in_words,
    deadlines,
    drops,
    open_conditions,
    step_in_words,
)

if TYPE_CHECKING:
    from checker.model.rotation import ManualRotation


_THEN = {
    Phase.INTRODUCE: "apply the patch that `tfcert patch` writes, "
    "then make the backends trust the successor as well",
    Phase.REPOINT: "apply the patch that `tfcert patch` writes, then watch the backends",
    Phase.RETIRE: "apply the patch that `tfcert patch` writes, "
    "then remove the old certificate from what the backends trust",
    Phase.ROLLBACK: "apply the patch that `tfcert patch --phase rollback` writes",
}


def what_next(outcome: Outcome, width: int) -> Iterator[Line]:
    """Yield a paragraph for each rotation.

    Without rotations, it says that nothing is to do, or what comes first.
    """
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
    return f"nothing to do: the next certificate in use ends on {first:%Y-%m-%d}, in {left} days"


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


_MONTHS = 12
_DAYS_OF_A_MONTH = 30
_LEFT = 10
_SOON, _NEAR = 30, 60


def is_empty_scan(part: DocumentCases) -> bool:
    """Return whether an account and region was scanned completely and contains nothing to show."""
    found = part.document
    return found.source.kind == "aws" and not (found.stages or part.cases or found.unread)


def table(part: DocumentCases, width: int, observations: Observations) -> Iterator[Line]:
    """Yield two lines for each certificate.

    The first has its days left, a mark for each month, its end and its stages; the second its
    address.
    """
    for case in sorted((case for case in part.cases if case.id is not None), key=_urgency):
        stages = len(set(case.subject.stages))
        presented = presenters_in_words(stages, searched(part, case, observations))
        tone = _tone(case) if stages else Tone.FAINT
        ends = f"{case.expires_at:%Y-%m-%d}" if case.expires_at is not None else "not known"
        row = (
            TextSpan(f"{_left(case):<{_LEFT}}", tone, whole=True),
            TextSpan(f"{_bar(case)}  ", tone, whole=True),
            TextSpan(f"{ends:<10} ({case.evidence})", whole=True),
            TextSpan(f"  {case.id}, presented by {presented}"),
        )
        yield from wrapped(row, width, indent=2, hanging=2 + _LEFT)
        yield from wrapped((TextSpan(_name(case, part), Tone.STRONG),), width, indent=2 + _LEFT)


def _urgency(case: Case) -> tuple[bool, int, str, str]:
    return (case.days_left is None, case.days_left or 0, str(case.address), case.id or "")


def _name(case: Case, part: DocumentCases) -> str:
    if case.address is not None:
        return str(case.address)
    if part.document.source.kind != "aws":
        return "(not in this state)"
    return (
        "(unmanaged)"
        if part.document.manages(case.certificate) is False
        else "(not known whether it is managed)"
    )


def _bar(case: Case) -> str:
    if case.days_left is None:
        return "?" * _MONTHS
    filled = max(0, min(_MONTHS, -(-case.days_left // _DAYS_OF_A_MONTH)))
    return "#" * filled + "." * (_MONTHS - filled)


def _left(case: Case) -> str:
    if case.evidence is Evidence.GONE:
        return "gone"
    match case.days_left:
        case None:
            return "not known"
        case 1 | -1:
            return f"{case.days_left} day"
        case days:
            return f"{days} days"


def _tone(case: Case) -> Tone:
    if case.evidence is Evidence.GONE:
        return Tone.ERROR
    if case.days_left is None:
        return Tone.WARNING
    if case.days_left <= _SOON:
        return Tone.ERROR
    return Tone.WARNING if case.days_left <= _NEAR else Tone.GOOD


TONES = {Severity.ERROR: Tone.ERROR, Severity.WARNING: Tone.WARNING, Severity.NOTE: Tone.FAINT}
_VERDICTS = {
    Verdict.CLEAN: ("clean", Tone.GOOD),
    Verdict.FINDINGS: ("findings", Tone.ERROR),
    Verdict.INCONCLUSIVE: ("inconclusive: not everything could be checked", Tone.WARNING),
}
_NO_MORE_ROTATIONS = (
    "note: stages that use the ARN of an ACM certificate from a private CA "
    "need no yearly rotation, because ACM renews it; "
    "this requires AWS Private CA, and backends that trust that CA"
)


def render(outcome: Outcome) -> str:
    """Write an outcome as plain text of 80 columns."""
    return "".join(f"{line.plain}\n" for line in lay_out(outcome, WIDTH))


def lay_out(outcome: Outcome, width: int) -> Iterator[Line]:
    """Yield the lines of the report, at most `width` columns wide."""
    yield from wrapped(_verdict(outcome), width, hanging=2)
    for notice in outcome.notices:
        yield from _note(f"note: {notice}", width)
    if not outcome.cases.observations.asked:
        yield from _note(
            "note: AWS was not asked (--offline): every date is the recorded one", width
        )
    shown = [part for part in outcome.cases.documents if not is_empty_scan(part)]
    for part in shown:
        yield from _document(
            part,
            width,
            outcome.cases.observations,
            several=len(outcome.cases.documents) > 1 or part.document.source.kind == "aws",
        )
    yield from _nothing_in(len(outcome.cases.documents) - len(shown), width)
    counted = [finding for finding in outcome.findings if finding.suppression is None]
    yield from _findings(counted, width, outcome)
    yield from _findings(
        (finding for finding in outcome.findings if finding.suppression is not None), width, outcome
    )
    yield from what_next(outcome, width)
    if outcome.manual:
        yield from manual_steps(outcome.manual, width)
    if any(
        kind_of(identity) == "gateway"
        for rotation in outcome.rotations
        for identity in rotation.predecessor_ids
    ):
        yield Line(())
        yield from _note(_NO_MORE_ROTATIONS, width)


def _note(text: str, width: int) -> Iterator[Line]:
    yield from wrapped((TextSpan(text, Tone.FAINT),), width, hanging=2)


def _verdict(outcome: Outcome) -> Iterator[TextSpan]:
    word, tone = _VERDICTS[outcome.verdict]
    yield TextSpan("tfcert: ")
    yield TextSpan(word, tone)
    counted = [finding for finding in outcome.findings if finding.suppression is None]
    numbers = [
        f"{count} {severity.word}{'s' if count > 1 else ''}"
        for severity in Severity
        if (
            count := sum(
                finding.severity is severity and finding.rule != UNVERIFIED for finding in counted
            )
        )
    ]
    unverified = sum(finding.rule == UNVERIFIED for finding in counted)
    numbers += [f"{unverified} not verified"] if unverified else []
    suppressed = len(outcome.findings) - len(counted)
    numbers += [f"{suppressed} suppressed"] if suppressed else []
    if numbers:
        yield TextSpan(f" ({', '.join(numbers)})")
    if outcome.not_before is not None:
        yield TextSpan(f": {plan_in_words(outcome.not_before)}", Tone.WARNING)


def _document(
    part: DocumentCases, width: int, observations: Observations, *, several: bool
) -> Iterator[Line]:
    """Yield a table for each source, with its name if there are several.

    Two states may contain the same certificate, so the tables are separate.
    """
    if several:
        stages, certificates = len(part.document.stages), len(part.document.certificates)
        text = f" ({part.document.source.kind}; stages: {stages}, certificates: {certificates})"
        yield Line(())
        yield from wrapped(
            (TextSpan(part.document.source.path, Tone.STRONG), TextSpan(text)), width, hanging=2
        )
    elif part.cases:
        yield Line(())
    yield from table(part, width, observations)


def _nothing_in(places: int, width: int) -> Iterator[Line]:
    if places:
        have = "has" if places == 1 else "have"
        text = (
            f"{places} of the accounts and regions that were scanned {have} "
            "no stage and no certificate"
        )
        yield Line(())
        yield from _note(text, width)


def _findings(findings: Iterable[Finding], width: int, outcome: Outcome) -> Iterator[Line]:
    for finding in findings:
        yield Line(())
        yield from _finding(finding, width, named=len(outcome.cases.documents) > 1)


def _finding(finding: Finding, width: int, *, named: bool) -> Iterator[Line]:
    where = f"{finding.location}: " if finding.location is not None else ""
    word, tone = finding.severity.word, TONES[finding.severity]
    if finding.suppression is not None:
        word, tone = f"suppressed {word}", Tone.FAINT
    head = [TextSpan(where), TextSpan(word, tone), TextSpan(f": {finding.rule}", Tone.STRONG)]
    if finding.address:
        head.append(TextSpan(f" {finding.address}"))
    yield from wrapped(head, width, hanging=4)
    if finding.suppression is not None:
        yield from wrapped(
            (TextSpan(_suppressed(finding.suppression), Tone.FAINT),), width, indent=4
        )
    if named and finding.source is not None:
        yield from wrapped((TextSpan(f"in {finding.source}"),), width, indent=4)
    yield from wrapped((TextSpan(finding.message),), width, indent=4)
    yield from wrapped((TextSpan(f"-> {finding.remedy}"),), width, indent=4, hanging=7)


def _suppressed(suppression: Suppression) -> str:
    by = "the policy" if suppression.kind is SuppressedBy.POLICY else "a comment"
    where = f" ({suppression.location})" if suppression.location is not None else ""
    owner = f", owner {suppression.owner}" if suppression.owner is not None else ""
    return f"suppressed until {suppression.until} by {by}{where}{owner}: {suppression.reason}"


_COMMENT = "    # "


def manual_steps(rotations: Iterable[ManualRotation], width: int) -> Iterator[Line]:
    """Yield each rotation with its numbered steps; a command is never broken."""
    for rotation in rotations:
        yield Line(())
        manager = manager_in_words(managed=rotation.managed)
        who = TextSpan(f"certificate {rotation.certificate_id} ({rotation.place}): {manager}")
        yield from wrapped((TextSpan("manual rotation: ", Tone.STRONG), who), width, hanging=4)
        for number, step in enumerate(rotation.steps, start=1):
            yield from _comment(step.does, f"{number}. ", width)
            yield from (Line((TextSpan(printable(f"    {command}")),)) for command in step.commands)
            if step.then is not None:
                yield from _comment(step.then, "   => ", width)


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
