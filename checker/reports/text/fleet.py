"""The beginning of the report of a fleet: totals, the most urgent findings, and the groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from checker.analysis.fleet_groups import (
    UNKNOWN,
    FleetGroup,
    GroupNames,
    counted,
    fleet_groups,
    view_of,
)
from checker.model.outcome import GroupBy, Outcome
from checker.model.severity import Severity
from checker.reports.presenting import count_noun
from checker.reports.text.findings import TONES
from checker.reports.text.layout import Line, TextSpan, Tone, cells, wrapped

_URGENT = 10
# As many groups are shown without --all.
_GROUPS = 20
_COLUMNS = ("certificates", "errors", "warnings", "unverified", "first end")
_WIDTHS = (14, 8, 10, 12, 12)


def fleet_summary(outcome: Outcome, width: int, *, every: bool) -> Iterator[Line]:
    """Yield the totals, the ten most urgent findings, and a table for each kind of group."""
    view = view_of(outcome)
    names = GroupNames(outcome)
    made = {by: fleet_groups(outcome, by, names) for by in view.group_by}
    yield Line(())
    yield from wrapped(_totals(outcome, made), width, hanging=2)
    urgent = [each for each in counted(outcome) if each.severity is not Severity.NOTE]
    if urgent:
        yield Line(())
        head = f"most urgent ({min(_URGENT, len(urgent))} of {len(urgent):,}):"
        yield Line((TextSpan(head, Tone.STRONG),))
    for finding in islice(urgent, _URGENT):
        where = [names.of_finding(by, finding) for by in view.group_by if by is not GroupBy.PREFIX]
        spans = (
            TextSpan(finding.severity.word, TONES[finding.severity]),
            TextSpan(f": {finding.rule}{_left(finding.days_left)}"),
            TextSpan(f" ({', '.join(where)})" if where else ""),
            TextSpan(f" {finding.address or finding.certificate_id or finding.message}"),
        )
        yield from wrapped(spans, width, indent=2, hanging=6)
        if finding.source is not None:
            yield from wrapped((TextSpan(f"in {finding.source}"),), width, indent=6, hanging=8)
    for by, groups in made.items():
        yield Line(())
        yield from _table(by, groups, width, every=every)


def _totals(outcome: Outcome, made: dict[GroupBy, tuple[FleetGroup, ...]]) -> tuple[TextSpan, ...]:
    cases = [case for part in outcome.cases.documents for case in part.cases]
    stages = sum(len(part.document.stages) for part in outcome.cases.documents)
    parts = [
        count_noun(view_of(outcome).read, "state"),
        count_noun(len(cases), "certificate"),
        count_noun(stages, "stage"),
        *(
            count_noun(sum(each.name != UNKNOWN[by] for each in groups), *_NOUNS[by])
            for by, groups in made.items()
        ),
    ]
    return TextSpan("fleet: ", Tone.STRONG), TextSpan(", ".join(parts))


_NOUNS = {
    GroupBy.ACCOUNT: ("account",),
    GroupBy.OWNER: ("owner",),
    GroupBy.REGION: ("region",),
    GroupBy.PREFIX: ("prefix", "prefixes"),
}


def _table(by: GroupBy, groups: Sequence[FleetGroup], width: int, *, every: bool) -> Iterator[Line]:
    room = width - sum(_WIDTHS)
    yield _row(f"by {by}", _COLUMNS, room, Tone.STRONG)
    shown = groups if every else groups[:_GROUPS]
    for group in shown:
        numbers = (
            f"{group.certificates:,}",
            f"{group.errors:,}",
            f"{group.warnings:,}",
            f"{group.unverified:,}",
            _day(group.first_end),
        )
        name = group.name
        if cells(name) >= room:
            yield from wrapped((TextSpan(name),), width, hanging=2)
            name = ""
        tone = Tone.ERROR if group.errors else Tone.PLAIN
        yield from wrapped(_cells(name, numbers, room, tone), width)
    if len(shown) < len(groups):
        text = f"and {len(groups) - len(shown):,} more (--all shows them)"
        yield Line((TextSpan(text, Tone.FAINT),))


def _row(name: str, texts: Sequence[str], room: int, tone: Tone) -> Line:
    return Line(_cells(name, texts, room, tone))


def _cells(name: str, texts: Sequence[str], room: int, tone: Tone) -> tuple[TextSpan, ...]:
    columns = "".join(text.rjust(wide) for text, wide in zip(texts, _WIDTHS, strict=True))
    return (TextSpan(name + " " * (room - cells(name)), tone), TextSpan(columns))


def _left(days: int | None) -> str:
    if days is None:
        return ""
    return f", {count_noun(abs(days), 'day')} {'left' if days >= 0 else 'past'}"


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment is not None else "-"
