"""The probe as Markdown: a table of the backends, and what was not called."""

from __future__ import annotations

from collections.abc import Iterator

from checker.reports.markdown.escape import code, sentence
from checker.reports.probe.document import JsonAnswer, JsonProbe
from checker.reports.probe.lines import backend_in_words, headline, stage_in_words


def render(document: JsonProbe) -> str:
    """Write a document as Markdown."""
    _, text = headline(document)
    blocks = [f"### tfcert probe: {sentence(text)}"]
    if document.backends:
        blocks.append("\n".join(_backends(document)))
    reasons = [
        f"- {code(part.backend)}: {sentence(part.reason)}"
        f"{f'; {sentence(part.remedy)}' if part.remedy is not None else ''}"
        for part in document.backends
    ]
    if reasons:
        blocks.append("\n".join(reasons))
    if document.planned:
        blocks.append("\n".join(_planned(document)))
    if document.not_probed:
        blocks.append(
            "\n".join(
                ("#### Not called\n", *_not_probed(document)),
            )
        )
    if document.notices:
        blocks.append("\n".join(f"- {sentence(notice)}" for notice in document.notices))
    return "\n\n".join(blocks) + "\n"


def _backends(document: JsonProbe) -> Iterator[str]:
    yield "| backend | stage | method | without | predecessor | successor | verdict |"
    yield "|---|---|---|---|---|---|---|"
    for part in document.backends:
        answers = {each.caller: _answer(each) for each in part.answers}
        cells = (
            code(backend_in_words(part.backend, part.vpc_link)),
            code(stage_in_words(part.stage)),
            code(part.method),
            answers.get("none", "-"),
            answers.get("predecessor", "-"),
            answers.get("successor", "-"),
            f"**{part.verdict}**",
        )
        yield f"| {' | '.join(cells)} |"


def _answer(answer: JsonAnswer) -> str:
    if answer.status is not None:
        return str(answer.status)
    return code(answer.failure or "no answer")


def _planned(document: JsonProbe) -> Iterator[str]:
    yield "| backend | stage | method | calls |"
    yield "|---|---|---|--:|"
    for calls in document.planned:
        cells = (
            code(backend_in_words(calls.backend, calls.vpc_link)),
            code(stage_in_words(calls.stage)),
            code(calls.method),
            str(len(calls.callers)),
        )
        yield f"| {' | '.join(cells)} |"


def _not_probed(document: JsonProbe) -> Iterator[str]:
    for other in document.not_probed:
        what = f"{code(other.backend)} of " if other.backend is not None else ""
        yield (
            f"- {what}{code(stage_in_words(other.stage))}: {sentence(other.reason)}; "
            f"{sentence(other.remedy)}"
        )
