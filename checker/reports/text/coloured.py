"""The plain-text report with the colours of a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from checker.reports.text.layout import Line, Tone

_STYLES = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.FAINT: "dim",
    Tone.GOOD: "green",
    Tone.WARNING: "yellow",
    Tone.ERROR: "bold red",
}


def coloured(lines: Iterable[Line]) -> Iterator[str]:
    """Yield lines with the sixteen standard terminal colours; the text does not depend on them."""
    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard",
        no_color=False,
        highlight=False,
        markup=False,
        emoji=False,
        width=10**6,
    )
    for line in lines:
        text = Text(no_wrap=True, end="")
        for span in line.spans:
            text.append(span.text, style=_STYLES[span.tone])
        with console.capture() as captured:
            console.print(text, crop=False, overflow="ignore", soft_wrap=True, end="")
        yield captured.get()
