"""The plain-text report, 80 columns wide: what to do, then findings, certificates, rotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

from checker.model.cases import Case, DocumentCases
from checker.model.outcome import UNVERIFIED, Outcome, Verdict
from checker.model.policy import Policy
from checker.model.severity import Severity
from checker.reports.headline import headline
from checker.reports.headline.facts import facts_of, open_rotations
from checker.reports.text.certificates import folded_policies, is_empty_scan, table
from checker.reports.text.findings import Pages, list_findings, no_page
from checker.reports.text.layout import WIDTH, Line, TextSpan, Tone, wrapped


class Show(Enum):
    """How much a report shows: the usual, everything, or the findings alone.

    The usual report has one line for the certificates beyond the notice, and cuts long lists of
    findings and rotations short.
    """

    USUAL = "usual"
    ALL = "all"
    FINDINGS = "findings"
    ALL_FINDINGS = "all findings"

    @classmethod
    def of(cls, *, every: bool, quiet: bool) -> Show:
        """Return the value for the options --all and --quiet."""
        if quiet:
            return cls.ALL_FINDINGS if every else cls.FINDINGS
        return cls.ALL if every else cls.USUAL

    @property
    def every(self) -> bool:
        """Return whether nothing is cut short."""
        return self in {Show.ALL, Show.ALL_FINDINGS}

    @property
    def findings_alone(self) -> bool:
        """Return whether only the findings are shown."""
        return self in {Show.FINDINGS, Show.ALL_FINDINGS}


_VERDICTS = {
    Verdict.CLEAN: ("clean", Tone.GOOD),
    Verdict.FINDINGS: ("findings", Tone.ERROR),
    Verdict.INCONCLUSIVE: ("inconclusive: not everything could be checked", Tone.WARNING),
}


def render(outcome: Outcome) -> str:
    """Write an outcome as plain text of 80 columns."""
    return "".join(f"{line.plain}\n" for line in lay_out(outcome, WIDTH))


def lay_out(
    outcome: Outcome, width: int, show: Show = Show.USUAL, pages: Pages = no_page
) -> Iterator[Line]:
    """Yield the lines of the report, at most `width` columns wide.

    `pages` gives the address of a rule's page, for a terminal with links.
    """
    named = len(outcome.cases.documents) > 1
    counted = [finding for finding in outcome.findings if finding.suppression is None]
    if show.findings_alone:
        lines = list_findings(counted, width, named=named, every=show.every, pages=pages)
        # The first line would be blank: it separates a finding from what is above it.
        next(lines, None)
        yield from lines
        return
    yield from wrapped(_verdict(outcome), width, hanging=2)
    yield from _headline(outcome, width)
    for notice in outcome.notices:
        yield from _note(f"note: {notice}", width)
    if not outcome.cases.observations.asked:
        yield from _note(
            "note: AWS was not asked (--offline): every date is the recorded one", width
        )
    if outcome.fleet is not None:
        # Imported here: most runs read no fleet.
        from checker.reports.text.fleet import fleet_summary

        yield from fleet_summary(outcome, width, every=show.every)
    many = outcome.fleet is not None
    yield from list_findings(counted, width, named=named, every=show.every, pages=pages, fleet=many)
    policy_of = None if show.every else folded_policies(outcome)
    shown = [part for part in outcome.cases.documents if not is_empty_scan(part)]
    # A fleet has too many states for a table of each.
    for part in shown if outcome.fleet is None or show.every else ():
        several = named or part.document.source.kind == "aws"
        yield from _document(part, width, outcome, policy_of, several=several)
    yield from _nothing_in(len(outcome.cases.documents) - len(shown), width)
    suppressed = [finding for finding in outcome.findings if finding.suppression is not None]
    yield from list_findings(suppressed, width, named=named, every=show.every, pages=pages)
    # Imported here, as below: most runs have no rotation and scan nothing.
    if outcome.rotations or outcome.patches:
        from checker.reports.text.rotations import what_next

        yield from what_next(outcome, width, every=show.every)
    if outcome.manual:
        from checker.reports.text.rotations import manual_steps

        yield from manual_steps(outcome.manual, width, every=show.every)
    scanned = any(part.document.source.kind == "aws" for part in outcome.cases.documents)
    if scanned:
        from checker.rotation.sentences import NO_MORE_ROTATIONS, is_yearly

        if outcome.manual or any(map(is_yearly, open_rotations(outcome))):
            yield Line(())
            yield from _note(f"note: {NO_MORE_ROTATIONS}", width)


_TONES = {"bad": Tone.ERROR, "doubt": Tone.WARNING, "warn": Tone.WARNING, "fine": Tone.GOOD}


def _headline(outcome: Outcome, width: int) -> Iterator[Line]:
    said = headline(facts_of(outcome))
    spans = (
        TextSpan(said.sentence, _TONES[said.tone]),
        *(TextSpan(f" {sentence}") for sentence in said.more),
    )
    yield from wrapped(spans, width)


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


def _document(
    part: DocumentCases,
    width: int,
    outcome: Outcome,
    policy_of: Callable[[DocumentCases, Case], Policy] | None,
    *,
    several: bool,
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
    yield from table(part, width, outcome.cases.observations, policy_of)


def _nothing_in(places: int, width: int) -> Iterator[Line]:
    if places:
        have = "has" if places == 1 else "have"
        text = (
            f"{places} of the accounts and regions that were scanned {have} "
            "no stage and no certificate"
        )
        yield Line(())
        yield from _note(text, width)
