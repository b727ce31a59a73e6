"""The probe as one self-contained HTML page, with the style of the report."""

from __future__ import annotations

from checker.reports.html import page_asset, page_environment
from checker.reports.html.format import NOW, date_of, percent
from checker.reports.probe.document import JsonProbe
from checker.reports.probe.lines import (
    TONES,
    answer_in_words,
    backend_in_words,
    headline,
    stage_in_words,
)
from checker.reports.text.layout import Tone

# The page's own words for a tone: the name of a sign and of a style.
_SIGNS = {
    Tone.GOOD: "fine",
    Tone.WARNING: "doubt",
    Tone.ERROR: "bad",
    Tone.STRONG: "fine",
}


def render(document: JsonProbe) -> str:
    """Write a document as an HTML page."""
    tone, text = headline(document)
    return (
        page_environment()
        .get_template("probe.html.j2")
        .render(
            tone=_SIGNS[tone],
            sentence=f"{text[:1].upper()}{text[1:]}.",
            made=date_of(document.made_at),
            document=document,
            verdicts={word: _SIGNS[each] for word, each in TONES.items()},
            answer=answer_in_words,
            backend=backend_in_words,
            stage=stage_in_words,
            style=page_asset("page.css"),
            now=percent(NOW),
        )
    )
