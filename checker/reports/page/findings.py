"""Findings as the page's table shows them."""

from __future__ import annotations

from checker.domain.finding import Finding, Suppression
from checker.domain.outcome import UNVERIFIED, Outcome
from checker.domain.value import value
from checker.reports.page.wording import Name, day_of, split


@value
class FindingView:
    """One finding; `weight` sorts by severity, `days` by days left, the unknown last; `suppressed` says why it does not count."""

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


@value
class Findings:
    """All findings in their order, and what they can be filtered by."""

    all: tuple[FindingView, ...]
    rules: tuple[tuple[str, int], ...]
    severities: tuple[tuple[str, int], ...]
    suppressed: int


def shown(outcome: Outcome) -> Findings:
    """The findings of an outcome, in the order of every report."""
    several = len(outcome.cases.documents) > 1
    entries = tuple(_shown(finding, several=several) for finding in outcome.findings)
    return Findings(
        all=entries,
        rules=_tally(sorted(entry.rule for entry in entries)),
        severities=_tally([entry.severity for entry in sorted(entries, key=lambda entry: entry.weight)]),
        suppressed=sum(entry.suppressed is not None for entry in entries),
    )


def _shown(finding: Finding, *, several: bool) -> FindingView:
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
        suppressed=_why(finding.suppression) if finding.suppression is not None else None,
    )


def _why(suppression: Suppression) -> str:
    owner = f", {suppression.owner} answers for it" if suppression.owner is not None else ""
    where = f" ({suppression.location})" if suppression.location is not None else ""
    return f"{suppression.reason}, until {day_of(suppression.until)}{owner}{where}"


def _tally(words: list[str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return tuple(found.items())
