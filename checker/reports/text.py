"""What a person reads first: the verdict, the certificates by urgency, the findings, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checker.domain.case_values import DocumentCases
from checker.domain.certificate import kind_of
from checker.domain.deadlines import plan_in_words
from checker.domain.finding import Finding, SuppressedBy, Suppression
from checker.domain.observation import Observations
from checker.domain.outcome import UNVERIFIED, Outcome, Verdict
from checker.domain.severity import Severity
from checker.reports.text_next import what_next
from checker.reports.text_table import nothing_there, table
from checker.reports.wrapping import WIDTH, Line, TextSpan, Tone, wrapped

TONES = {Severity.ERROR: Tone.ERROR, Severity.WARNING: Tone.WARNING, Severity.NOTE: Tone.FAINT}
_VERDICTS = {
    Verdict.CLEAN: ("clean", Tone.GOOD),
    Verdict.FINDINGS: ("findings", Tone.ERROR),
    Verdict.INCONCLUSIVE: ("inconclusive: not everything could be checked", Tone.WARNING),
}
_NO_MORE_ROTATIONS = (
    "note: stages that name the ARN of an ACM certificate from a private CA need no yearly rotation: ACM renews it, the stages "
    "follow; it takes AWS Private CA, and backends that trust that CA"
)


def render(outcome: Outcome) -> str:
    """Write an outcome as plain text of 80 columns."""
    return "".join(f"{line.plain}\n" for line in lay_out(outcome, WIDTH))


def lay_out(outcome: Outcome, width: int) -> Iterator[Line]:
    """The report as lines of at most `width` columns."""
    yield from wrapped(_verdict(outcome), width, hanging=2)
    for notice in outcome.notices:
        yield from _note(f"note: {notice}", width)
    if not outcome.cases.observations.asked:
        yield from _note("note: AWS was not asked (--offline): every date is the recorded one", width)
    shown = [part for part in outcome.cases.documents if not nothing_there(part)]
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
    yield from _findings((finding for finding in outcome.findings if finding.suppression is not None), width, outcome)
    yield from what_next(outcome, width)
    if outcome.by_hand:
        from checker.reports.by_hand import by_hand

        yield from by_hand(outcome.by_hand, width)
    if any(kind_of(identity) == "gateway" for rotation in outcome.rotations for identity in rotation.predecessor_ids):
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
        if (count := sum(finding.severity is severity and finding.rule != UNVERIFIED for finding in counted))
    ]
    unverified = sum(finding.rule == UNVERIFIED for finding in counted)
    numbers += [f"{unverified} not verified"] if unverified else []
    suppressed = len(outcome.findings) - len(counted)
    numbers += [f"{suppressed} suppressed"] if suppressed else []
    if numbers:
        yield TextSpan(f" ({', '.join(numbers)})")
    if outcome.not_before is not None:
        yield TextSpan(f": {plan_in_words(outcome.not_before)}", Tone.WARNING)


def _document(part: DocumentCases, width: int, observations: Observations, *, several: bool) -> Iterator[Line]:
    """A table a source, each under its name where there are several: two states may well know the same certificate."""
    if several:
        stages, certificates = len(part.document.stages), len(part.document.certificates)
        told = f" ({part.document.source.kind}; stages: {stages}, certificates: {certificates})"
        yield Line(())
        yield from wrapped((TextSpan(part.document.source.path, Tone.STRONG), TextSpan(told)), width, hanging=2)
    elif part.cases:
        yield Line(())
    yield from table(part, width, observations)


def _nothing_in(places: int, width: int) -> Iterator[Line]:
    if places:
        have = "has" if places == 1 else "have"
        told = f"{places} of the accounts and regions that were scanned {have} no stage and no certificate"
        yield Line(())
        yield from _note(told, width)


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
        yield from wrapped((TextSpan(_suppressed(finding.suppression), Tone.FAINT),), width, indent=4)
    if named and finding.source is not None:
        yield from wrapped((TextSpan(f"in {finding.source}"),), width, indent=4)
    yield from wrapped((TextSpan(finding.message),), width, indent=4)
    yield from wrapped((TextSpan(f"-> {finding.remedy}"),), width, indent=4, hanging=7)


def _suppressed(suppression: Suppression) -> str:
    by = "the policy" if suppression.kind is SuppressedBy.POLICY else "a comment"
    where = f" ({suppression.location})" if suppression.location is not None else ""
    owner = f", answered for by {suppression.owner}" if suppression.owner is not None else ""
    return f"suppressed until {suppression.until} by {by}{where}{owner}: {suppression.reason}"
