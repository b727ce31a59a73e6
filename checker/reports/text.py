"""What a person reads first: the verdict, the certificates by urgency, the findings, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.cases import Case, DocumentCases, Evidence
from checker.domain.certificate import kind_of
from checker.domain.finding import Finding
from checker.domain.outcome import Outcome, Verdict
from checker.domain.ownership import managed
from checker.domain.rotation import Blocked, Done, Next, Rotation, Waiting
from checker.domain.severity import Severity
from checker.reports.by_hand import by_hand
from checker.reports.printable import printable

_FULL_LIFE = 365
_BAR = 20
_NO_MORE_ROTATIONS = (
    "note: stages that name the ARN of an ACM certificate from a private CA need no yearly rotation: ACM renews it, the stages "
    "follow; it takes AWS Private CA, and backends that trust that CA"
)


def render(outcome: Outcome) -> str:
    """Write an outcome as plain text."""
    return "\n".join(printable(line) for line in _lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield _verdict(outcome)
    for notice in outcome.notices:
        yield f"note: {notice}"
    if not outcome.cases.observations.asked:
        yield "note: AWS was not asked (--offline): every date is the recorded one"
    yield from _tables(outcome.cases.documents)
    if outcome.findings:
        yield ""
        for finding in outcome.findings:
            yield from _finding(finding, named=len(outcome.cases.documents) > 1)
    if outcome.rotations:
        yield ""
        for rotation in outcome.rotations:
            yield from _rotation(rotation)
    yield from by_hand(outcome.by_hand)
    if any(kind_of(identity) == "gateway" for rotation in outcome.rotations for identity in rotation.predecessor_ids):
        yield ""
        yield _NO_MORE_ROTATIONS


def _verdict(outcome: Outcome) -> str:
    counts = [
        f"{count} {severity.word}{'s' if count > 1 else ''}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in outcome.findings))
    ]
    words = {
        Verdict.CLEAN: "clean",
        Verdict.FINDINGS: "findings",
        Verdict.INCONCLUSIVE: "inconclusive: not everything could be checked",
    }
    return f"tfcert: {words[outcome.verdict]}" + (f" ({', '.join(counts)})" if counts else "")


def _tables(documents: tuple[DocumentCases, ...]) -> Iterator[str]:
    """A table a source, each under its name where there are several: two states may well know the same certificate."""
    for part in documents:
        if _empty(part):
            continue
        if len(documents) > 1 or part.document.source.kind == "aws":
            stages, certificates = len(part.document.stages), len(part.document.certificates)
            yield ""
            yield f"{part.document.source.path} ({part.document.source.kind}; stages: {stages}, certificates: {certificates})"
        elif part.cases:
            yield ""
        yield from _table(part)
    empty = sum(_empty(part) for part in documents)
    if empty:
        yield ""
        yield f"{empty} of the accounts and regions that were scanned {'has' if empty == 1 else 'have'} no stage and no certificate"


def _empty(part: DocumentCases) -> bool:
    """Whether it is an account and region that was scanned to its end, and there is nothing in it to show."""
    found = part.document
    return found.source.kind == "aws" and not (found.stages or part.cases or found.unread)


def _table(part: DocumentCases) -> Iterator[str]:
    rows = sorted(
        (case for case in part.cases if case.id is not None),
        key=lambda case: (case.days_left is None, case.days_left or 0, str(case.address), case.id or ""),
    )
    width = max((len(_name(case, part)) for case in rows), default=0)
    seen = " that was listed" if part.document.unread else ""
    for case in rows:
        stages = len({*case.subject.presented_by, *case.subject.to_be_presented_by})
        presented = f"presented by {stages} stage{'s' if stages != 1 else ''}" if stages else f"presented by no stage{seen}"
        yield f"  {_name(case, part):<{width}}  {case.id or '-':<8}  {_bar(case)}  {_left(case):<22}  {presented}"


def _name(case: Case, part: DocumentCases) -> str:
    if case.address is not None:
        return str(case.address)
    if part.document.source.kind != "aws":
        return "(not in this state)"
    return "(unmanaged)" if managed(case.certificate, part.document) is False else "(managed?)"


def _bar(case: Case) -> str:
    if case.days_left is None:
        return "?" * _BAR
    filled = max(0, min(_BAR, -(-case.days_left * _BAR // _FULL_LIFE)))
    return "#" * filled + "." * (_BAR - filled)


def _left(case: Case) -> str:
    match case.evidence:
        case Evidence.GONE:
            return "gone from AWS"
        case Evidence.UNKNOWN | Evidence.UNANSWERED if case.days_left is None:
            return "end not known"
        case evidence:
            return f"{case.days_left} days ({evidence})"


def _finding(finding: Finding, *, named: bool) -> Iterator[str]:
    where = f"{finding.location}: " if finding.location is not None else ""
    yield f"{where}{finding.severity.word}: {finding.rule}{f' {finding.address}' if finding.address else ''}"
    if named and finding.source is not None:
        yield f"    in {finding.source}"
    yield f"    {finding.message}"
    yield f"    -> {finding.remedy}"


def _rotation(rotation: Rotation) -> Iterator[str]:
    arrow = f" -> {rotation.successor}" if rotation.successor is not None else ""
    yield f"rotation {rotation.label}{arrow}"
    match rotation.step:
        case Next(phase=phase):
            yield f"    next: {phase} (`tfcert patch`)"
        case Waiting(reason=reason):
            yield f"    waiting: {reason}"
        case Blocked(reason=reason, remedy=remedy):
            yield f"    blocked: {reason}"
            yield f"    -> {remedy}"
        case Done():
            yield "    done"
    if rotation.introduce_by is not None and rotation.repoint_by is not None:
        yield f"    introduce by {rotation.introduce_by:%Y-%m-%d}, repoint by {rotation.repoint_by:%Y-%m-%d}"
