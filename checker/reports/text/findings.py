"""The findings in the plain-text report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.severity import Severity
from checker.reports.text.layout import Line, TextSpan, Tone, wrapped

TONES = {Severity.ERROR: Tone.ERROR, Severity.WARNING: Tone.WARNING, Severity.NOTE: Tone.FAINT}


# The address of a rule's page; None where it has none.
Pages = Callable[[str], str | None]

# Of more findings than this of one rule and severity, only the first one is shown in full.
_MANY, _FEW = 12, 1


def no_page(rule: str) -> str | None:
    """Return no address: a report that is no terminal's has no links."""
    del rule
    return None


def list_findings(
    findings: Iterable[Finding],
    width: int,
    *,
    named: bool,
    every: bool,
    pages: Pages = no_page,
    fleet: bool = False,
) -> Iterator[Line]:
    """Yield the findings; `named` is whether each has the name of its source.

    `pages` gives the address of a rule's page.

    Without `every`, many findings of one rule and severity are names after the first one, in a
    fleet with their sources.
    """
    for _, group in groupby(findings, key=lambda one: (one.severity, one.rule)):
        alike = tuple(group)
        full = alike if every or len(alike) <= _MANY else alike[:_FEW]
        for finding in full:
            yield Line(())
            yield from _finding(finding, width, named=named, pages=pages)
        if len(full) < len(alike):
            yield Line(())
            yield from _briefly(alike[len(full) :], width, named=named, pages=pages, fleet=fleet)


def _briefly(
    findings: Sequence[Finding], width: int, *, named: bool, pages: Pages, fleet: bool
) -> Iterator[Line]:
    first = findings[0]
    word, tone = first.severity.word, TONES[first.severity]
    head = (
        TextSpan(f"{len(findings):,} more: "),
        TextSpan(word, tone),
        TextSpan(": ", Tone.STRONG),
        TextSpan(first.rule, Tone.STRONG, link=pages(first.rule)),
        TextSpan(" (--all shows them in full)"),
    )
    yield from wrapped(head, width, hanging=4)
    shared = Counter(map(_name, findings))
    text = ", ".join(
        _brief(one, named=named and (fleet or shared[_name(one)] > 1)) for one in findings
    )
    yield from wrapped((TextSpan(text),), width, indent=4)


def _name(finding: Finding) -> str:
    return finding.address or finding.certificate_id or finding.message


def _brief(finding: Finding, *, named: bool) -> str:
    """Return a finding's name, and its source if `named`: states often share addresses."""
    name, left = _name(finding), finding.days_left
    if named and finding.source is not None:
        name = f"{name} in {finding.source}"
    return f"{name} ({_days(left)})" if left is not None else name


def _days(left: int) -> str:
    return f"{left} day{'s' * (abs(left) != 1)}"


def _finding(finding: Finding, width: int, *, named: bool, pages: Pages) -> Iterator[Line]:
    where = f"{finding.location}: " if finding.location is not None else ""
    word, tone = finding.severity.word, TONES[finding.severity]
    if finding.suppression is not None:
        word, tone = f"suppressed {word}", Tone.FAINT
    head = [
        TextSpan(where),
        TextSpan(word, tone),
        TextSpan(": ", Tone.STRONG),
        TextSpan(finding.rule, Tone.STRONG, link=pages(finding.rule)),
    ]
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
