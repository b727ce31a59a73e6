"""Findings and the headline of the page."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.cases import Case
from checker.model.deadlines import plan_in_words
from checker.model.finding import Finding, Suppression
from checker.model.outcome import UNVERIFIED, Outcome, Verdict
from checker.model.severity import Severity
from checker.reports.html.format import Name, count_noun, day_of, split, time_left
from checker.rules import RULES


class FindingView(Struct, frozen=True, kw_only=True):
    """One finding.

    `weight` sorts by severity, `days` by days left with unknown ones last. `suppressed` is the
    reason of a suppression.
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


class Findings(Struct, frozen=True, kw_only=True):
    """All findings in their order, and the values to filter them by."""

    all: tuple[FindingView, ...]
    rules: tuple[tuple[str, int], ...]
    severities: tuple[tuple[str, int], ...]
    suppressed: int


def finding_views(outcome: Outcome) -> Findings:
    """Return the findings of an outcome, in the order of every report."""
    several = len(outcome.cases.documents) > 1
    entries = tuple(_shown(finding, several=several) for finding in outcome.findings)
    return Findings(
        all=entries,
        rules=_tally(sorted(entry.rule for entry in entries)),
        severities=_tally(
            [entry.severity for entry in sorted(entries, key=lambda entry: entry.weight)]
        ),
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
    owner = f", owner {suppression.owner}" if suppression.owner is not None else ""
    where = f" ({suppression.location})" if suppression.location is not None else ""
    return f"{suppression.reason}, until {day_of(suppression.until)}{owner}{where}"


def _tally(words: list[str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return tuple(found.items())


_HEADLINES = {rule.name: rule.headline for rule in RULES if rule.headline is not None}


class Headline(Struct, frozen=True, kw_only=True):
    """The headline of the page: its sentence, and additional sentences in `more`.

    `tone` is bad, doubt, warn (warnings only) or fine.
    """

    tone: str
    sentence: str
    more: tuple[str, ...]


def headline(outcome: Outcome) -> Headline:
    """Return the headline for the findings that count; suppressed ones do not."""
    if outcome.not_before is not None and outcome.verdict is not Verdict.INCONCLUSIVE:
        plan = plan_in_words(outcome.not_before)
        weighing = [finding for finding in outcome.findings if outcome.counts(finding)]
        besides = [_worst(weighing)] if weighing else []
        return Headline(
            tone="bad" if weighing else "warn",
            sentence=f"{plan[0].upper()}{plan[1:]}.",
            more=(*besides, *_next_end(outcome)),
        )
    match outcome.verdict:
        case Verdict.FINDINGS:
            weighing = [finding for finding in outcome.findings if outcome.counts(finding)]
            worst = any(finding.severity is Severity.ERROR for finding in weighing)
            return Headline(
                tone="bad" if worst else "warn",
                sentence=_worst(weighing),
                more=tuple(_next_end(outcome)),
            )
        case Verdict.INCONCLUSIVE:
            sentence = "Not everything could be checked."
            more = (
                "The checks that were possible found no failure. "
                "The items that could not be checked are listed below; they may have problems."
            )
            return Headline(tone="doubt", sentence=sentence, more=(more, *_next_end(outcome)))
        case Verdict.CLEAN:
            return _clean(outcome)


def _clean(outcome: Outcome) -> Headline:
    """Return the headline of a clean outcome.

    It ignores suppressed findings, but mentions findings below the failing severity.
    """
    open_ones = [finding for finding in outcome.findings if finding.suppression is None]
    if any(finding.severity is Severity.ERROR for finding in open_ones):
        errors = [finding for finding in open_ones if finding.severity is Severity.ERROR]
        return Headline(
            tone="warn",
            sentence=_worst(errors),
            more=("The policy does not fail a run for it.", *_next_end(outcome)),
        )
    sentence = "Nothing is urgent." if open_ones else "All is well."
    return Headline(tone="fine", sentence=sentence, more=tuple(_next_end(outcome)))


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


def _worst(findings: list[Finding]) -> str:
    shown = min(
        (_HEADLINES[finding.rule] for finding in findings if finding.rule in _HEADLINES),
        key=lambda headline: headline.rank,
        default=None,
    )
    if shown is None:
        need = "needs" if len(findings) == 1 else "need"
        return f"{count_noun(len(findings), 'finding')} {need} attention."
    own = [finding for finding in findings if _HEADLINES.get(finding.rule) == shown]
    soonest = min(finding.days_left or 0 for finding in own)
    sentence = shown.one if len(own) == 1 else shown.many
    return sentence.format(count=f"{len(own):,}", soonest=time_left(soonest))


def _next_end(outcome: Outcome) -> Iterator[str]:
    """Yield a sentence on the next end of a certificate in use: the time of the next action."""
    used = [case for case in outcome.cases.all if case.presented]
    if not used:
        yield "No stage that was read presents a client certificate."
        return
    alive = [case for case in used if case.days_left is not None and case.days_left >= 0]
    if alive:
        yield _end_in_words(
            min(alive, key=lambda case: (case.days_left or 0, str(case.address), case.id or ""))
        )


def _end_in_words(case: Case) -> str:
    assert case.expires_at is not None  # noqa: S101 -- a case with days left has an end
    stages = set(case.subject.stages)
    name = str(case.address) if case.address is not None else f"certificate {case.id}"
    presented = (
        f"{count_noun(len(stages), 'stage')} {'presents' if len(stages) == 1 else 'present'} it"
    )
    return (
        f"{name} ends on {day_of(case.expires_at)}, {time_left(case.days_left or 0)}; {presented}."
    )
