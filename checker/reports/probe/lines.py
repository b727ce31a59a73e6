"""The probe as plain text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from checker.reports.probe.document import (
    JsonAnswer,
    JsonNotProbed,
    JsonPlannedCalls,
    JsonProbe,
    JsonProbedBackend,
    JsonStageName,
)
from checker.reports.text.layout import WIDTH, Line, TextSpan, Tone, wrapped

TONES = {
    "trusts both": Tone.GOOD,
    "trusts the successor only": Tone.WARNING,
    "trusts the predecessor only": Tone.ERROR,
    "requires no certificate": Tone.WARNING,
    "unreachable": Tone.WARNING,
    "unknown": Tone.WARNING,
}
_CALLERS = {
    "none": "without a certificate",
    "predecessor": "with the predecessor",
    "successor": "with the successor",
}


def render(document: JsonProbe) -> str:
    """Write a document as text."""
    return "".join(f"{line.plain}\n" for line in lay_out_probe(document, WIDTH))


def lay_out_probe(document: JsonProbe, width: int) -> Iterator[Line]:
    """Yield the lines of a document: the backends by stage, what was not called, and the result."""
    for part in document.backends:
        yield from _backend(part, width)
    for calls in document.planned:
        yield from _planned(calls, width)
    for other in document.not_probed:
        yield from _not_probed(other, width)
    for notice in document.notices:
        yield from wrapped((TextSpan(f"note: {notice}"),), width, hanging=6)
    if document.backends or document.planned or document.not_probed or document.notices:
        yield Line(())
    tone, text = headline(document)
    yield from wrapped((TextSpan(text, tone),), width, hanging=2)


def stage_in_words(stage: JsonStageName) -> str:
    """Name a stage by its address, else by its API and name."""
    return stage.address or f"{stage.api_id}/{stage.name}"


def backend_in_words(backend: str, vpc_link: str | None) -> str:
    """Name a backend, with the VPC link that leads to it."""
    return f"{backend} (VPC link {vpc_link})" if vpc_link is not None else backend


def answer_in_words(answer: JsonAnswer) -> str:
    """Return an answer in a few words."""
    if answer.status is None:
        return f"{_CALLERS[answer.caller]}: {answer.failure or 'no answer'}"
    more = f", {answer.failure}" if answer.failure is not None else ""
    return f"{_CALLERS[answer.caller]}: {answer.status}{more}"


def headline(document: JsonProbe) -> tuple[Tone, str]:
    """Return the result in one sentence, with its tone."""
    calls = f"{document.calls} call{'s' * (document.calls != 1)} to backends"
    if document.dry_run:
        count = sum(len(each.callers) for each in document.planned)
        return Tone.STRONG, f"dry run: {count} call{'s' * (count != 1)}, none of them made"
    stopped = "interrupted; " if document.interrupted else ""
    # One backend may be behind several stages.
    refused = len(
        {
            (each.backend, each.vpc_link)
            for each in document.backends
            if each.verdict == "trusts the predecessor only"
        }
    )
    known = (*_TRUSTING, "trusts the predecessor only")
    others = sum(each.verdict not in known for each in document.backends)
    others += len(document.not_probed)
    if refused:
        noun = "backend refuses" if refused == 1 else "backends refuse"
        return Tone.ERROR, f"{stopped}{refused} {noun} the successor ({calls})"
    if not document.backends and not document.exit_code:
        return Tone.STRONG, "nothing to probe: no rotation is under way"
    if others or document.interrupted or document.exit_code:
        total = len(document.backends) + len(document.not_probed)
        what = f"{others} of {total} not confirmed" if others else "nothing is confirmed"
        return Tone.WARNING, f"{stopped}{what} ({calls})"
    return Tone.GOOD, f"every backend trusts the successor ({calls})"


_TRUSTING = ("trusts both", "trusts the successor only")


def _backend(part: JsonProbedBackend, width: int) -> Iterator[Line]:
    yield from wrapped(
        (
            TextSpan(part.verdict, TONES[part.verdict]),
            TextSpan(": "),
            TextSpan(backend_in_words(part.backend, part.vpc_link), Tone.STRONG),
        ),
        width,
        hanging=4,
    )
    yield from wrapped(
        (TextSpan(f"{part.method}, stage {stage_in_words(part.stage)}"),),
        width,
        indent=4,
        hanging=6,
    )
    for answer in part.answers:
        yield from wrapped((TextSpan(answer_in_words(answer)),), width, indent=4, hanging=6)
    yield from wrapped((TextSpan(part.reason),), width, indent=4, hanging=6)
    if part.remedy is not None:
        yield from wrapped((TextSpan(f"-> {part.remedy}"),), width, indent=4, hanging=7)


def _planned(calls: JsonPlannedCalls, width: int) -> Iterator[Line]:
    yield from wrapped(
        (
            TextSpan("would call: "),
            TextSpan(backend_in_words(calls.backend, calls.vpc_link), Tone.STRONG),
        ),
        width,
        hanging=4,
    )
    yield from wrapped(
        (TextSpan(f"{calls.method}, stage {stage_in_words(calls.stage)}"),),
        width,
        indent=4,
        hanging=6,
    )
    how = ", ".join(_CALLERS[each] for each in calls.callers)
    yield from wrapped((TextSpan(how),), width, indent=4, hanging=6)


def _not_probed(other: JsonNotProbed, width: int) -> Iterator[Line]:
    what = f"{other.backend}, " if other.backend is not None else ""
    yield from wrapped(
        (
            TextSpan("not called", Tone.WARNING),
            TextSpan(f": {what}stage {stage_in_words(other.stage)}"),
        ),
        width,
        hanging=4,
    )
    yield from wrapped((TextSpan(other.reason),), width, indent=4, hanging=6)
    yield from wrapped((TextSpan(f"-> {other.remedy}"),), width, indent=4, hanging=7)
