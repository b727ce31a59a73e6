"""The plain-text report with the colours and the links of a terminal.

Source: ECMA-48, Select Graphic Rendition; "Hyperlinks in terminal emulators" (OSC 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from checker.reports.text.layout import Line, TextSpan, Tone

_CODES = {
    Tone.PLAIN: "",
    Tone.STRONG: "1",
    Tone.FAINT: "2",
    Tone.GOOD: "32",
    Tone.WARNING: "33",
    Tone.ERROR: "1;31",
}
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
# What an address may have; a character of any other kind could end the sequence.
_ADDRESS = re.compile(r"[!-~]{1,2000}", re.ASCII)


def coloured(lines: Iterable[Line]) -> Iterator[str]:
    """Yield lines with the sixteen standard terminal colours; the text does not depend on them."""
    for line in lines:
        yield "".join(_linked(span) for span in line.spans)


def _linked(span: TextSpan) -> str:
    text = _painted(span.text, _CODES[span.tone])
    if span.link is None or not _ADDRESS.fullmatch(span.link):
        return text
    return f"\x1b]8;;{span.link}\x1b\\{text}\x1b]8;;\x1b\\"


def _painted(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def shown_diff(text: bytes, *, colours: bool) -> Iterator[str]:
    """Yield the lines of a unified diff for a terminal, with their line ends.

    No character of a file acts on the terminal: one that is not printable is shown as an escape. A
    line is part of a hunk, or not, by the numbers in the hunk's head: a removed line may begin
    with dashes too.
    """
    old = new = 0
    # Only a line feed ends a line.
    for content in text.removesuffix(b"\n").split(b"\n") if text else ():
        code = ""
        if old > 0 or new > 0:
            first = content[:1]
            old -= first in {b"-", b" ", b""}
            new -= first in {b"+", b" ", b""}
            code = {b"-": "31", b"+": "32"}.get(first, "")
        elif head := _HUNK.match(content):
            old, new = (int(count) if count is not None else 1 for count in head.groups())
            code = "36"
        elif content.startswith((b"diff ", b"--- ", b"+++ ")):
            code = "1"
        shown = _shown(content.decode("utf-8", "backslashreplace"))
        yield (_painted(shown, code) if colours else shown) + "\n"


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char == "\t"
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
