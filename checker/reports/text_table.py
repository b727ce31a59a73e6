"""The certificates of one source as a table, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.case_values import Case, DocumentCases, Evidence
from checker.domain.observation import Observations
from checker.reports.presenting import presenters_in_words, searched
from checker.reports.wrapping import Line, TextSpan, Tone, wrapped

_MONTHS = 12
_DAYS_OF_A_MONTH = 30
_LEFT = 10
_SOON, _NEAR = 30, 60


def nothing_there(part: DocumentCases) -> bool:
    """Whether it is an account and region that was scanned to its end, and there is nothing in it to show."""
    found = part.document
    return found.source.kind == "aws" and not (found.stages or part.cases or found.unread)


def table(part: DocumentCases, width: int, observations: Observations) -> Iterator[Line]:
    """Two lines a certificate: what is left of it, a mark for each month, its end and who presents it; then its address."""
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
    return "(unmanaged)" if part.document.manages(case.certificate) is False else "(not known whether it is managed)"


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
