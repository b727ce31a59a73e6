"""Findings on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from checker.model.finding import Finding, Suppression
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.severity import Severity
from checker.reports.html.fleet import group_labels
from checker.reports.html.format import Name, day_of, split
from checker.reports.presenting import count_noun


class FindingView(Struct, frozen=True, kw_only=True):
    """One finding.

    `weight` sorts by severity, `days` by days left with unknown ones last. `suppressed` is the
    reason of a suppression. `group` is its account and owner in a fleet. `cure` is one number for
    each rule and remedy; `same` is whether the next finding has the same, so that the page shows
    the remedy once, below the last of them.
    """

    rule: str
    severity: str
    weight: int
    days_left: int | None
    days: int
    name: Name | None
    message: str
    remedy: str
    where: str
    source: str | None
    suppressed: str | None
    group: str
    cure: int = 0
    same: bool = False


class Findings(Struct, frozen=True, kw_only=True):
    """All findings in their order, and the values to filter them by."""

    all: tuple[FindingView, ...]
    rules: tuple[tuple[str, int], ...]
    severities: tuple[tuple[str, int], ...]
    suppressed: int


def finding_views(outcome: Outcome) -> Findings:
    """Return the findings of an outcome, in the order of every report."""
    several = len(outcome.cases.documents) > 1
    labels = group_labels(outcome)
    entries = _grouped(
        [
            _shown(finding, label, several=several)
            for finding, label in zip(outcome.findings, labels, strict=True)
        ]
    )
    return Findings(
        all=entries,
        rules=_tally(sorted(entry.rule for entry in entries)),
        severities=_tally(
            [entry.severity for entry in sorted(entries, key=lambda entry: entry.weight)]
        ),
        suppressed=sum(entry.suppressed is not None for entry in entries),
    )


def _grouped(entries: Sequence[FindingView]) -> tuple[FindingView, ...]:
    """Return the findings with the number of their remedy, and whether the next one shares it."""
    numbers: dict[tuple[str, str, bool], int] = {}
    cures = [
        numbers.setdefault((entry.rule, entry.remedy, entry.suppressed is not None), len(numbers))
        for entry in entries
    ]
    return tuple(
        replace(entry, cure=cure, same=after == [cure])
        for entry, cure, after in (
            (entry, cures[at], cures[at + 1 : at + 2]) for at, entry in enumerate(entries)
        )
    )


def _shown(finding: Finding, group: str, *, several: bool) -> FindingView:
    return FindingView(
        rule=finding.rule,
        severity="not verified" if finding.rule == UNVERIFIED else finding.severity.word,
        weight=finding.severity * 2 + (finding.rule == UNVERIFIED),
        days_left=finding.days_left,
        days=finding.days_left if finding.days_left is not None else 10**9,
        name=split(finding.address) if finding.address is not None else None,
        message=finding.message,
        remedy=finding.remedy,
        where=str(finding.location) if finding.location is not None else "",
        source=finding.source if several else None,
        group=group,
        suppressed=_why(finding.suppression) if finding.suppression is not None else None,
    )


def _why(suppression: Suppression) -> str:
    owner = f", owner {suppression.owner}" if suppression.owner is not None else ""
    where = f" ({suppression.location})" if suppression.location is not None else ""
    return f"{suppression.reason}, until {day_of(suppression.until)}{owner}{where}"


def _tally(words: list[str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return tuple(found.items())


def counts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield the number of each kind with the kind's name, without zeros."""
    counted_ones = [finding for finding in outcome.findings if finding.suppression is None]
    for severity in Severity:
        number = sum(
            finding.severity is severity and finding.rule != UNVERIFIED for finding in counted_ones
        )
        if number:
            yield severity.word, count_noun(number, severity.word)
    unverified = sum(finding.rule == UNVERIFIED for finding in counted_ones)
    if unverified:
        yield "unverified", f"{unverified:,} not verified"
    if len(counted_ones) < len(outcome.findings):
        yield "suppressed", f"{len(outcome.findings) - len(counted_ones):,} suppressed"
