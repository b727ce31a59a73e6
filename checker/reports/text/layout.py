"""Wrap text to a width: break lines between words, and cut nothing off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from checker.reports.escape import printable

WIDTH = 80


class Tone(StrEnum):
    """The meaning of a text, for a terminal with colours; the words alone must be enough."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


class TextSpan(NamedTuple):
    """A piece of one line; with `whole`, it is not broken at its spaces.

    `link` is the address that a terminal with hyperlinks opens.
    """

    text: str
    tone: Tone = Tone.PLAIN
    whole: bool = False
    link: str | None = None


class Line(NamedTuple):
    """One line of the terminal."""

    spans: tuple[TextSpan, ...]

    @property
    def plain(self) -> str:
        """Return the line without tones."""
        return "".join([span.text for span in self.spans]).rstrip()


# Large enough that a piece costs one write.
_PIECE = 64 * 1024


def pieces(lines: Iterable[str]) -> Iterator[str]:
    """Yield a text in pieces of whole lines, so that a long report is never in memory at once."""
    piece: list[str] = []
    length = 0
    for line in lines:
        piece.append(f"{line}\n")
        length += len(line)
        if length >= _PIECE:
            yield "".join(piece)
            piece, length = [], 0
    yield "".join(piece)


def cells(text: str) -> int:
    """Return how many columns a text takes.

    A wide character takes two, a combining one takes none (Unicode, Annex 11).
    """
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def wrapped(
    spans: Iterable[TextSpan], width: int, *, indent: int = 0, hanging: int | None = None
) -> Iterator[Line]:
    """Break spans into lines of at most `width` columns.

    Each line is indented by `indent`, those after the first by `hanging`. A word that is longer
    than a line is broken where the line ends.
    """
    pieces = tuple(spans)
    safe = [printable(piece.text) for piece in pieces]
    if indent + sum(map(cells, safe)) <= width:
        # The fast path: most lines fit, in reports with thousands of them.
        yield _joined(
            [
                TextSpan(" " * indent),
                *(piece._replace(text=text) for text, piece in zip(safe, pieces, strict=True)),
            ]
        )
        return
    yield from _broken(pieces, width, indent, indent if hanging is None else hanging)


def _broken(spans: Iterable[TextSpan], width: int, indent: int, hanging: int) -> Iterator[Line]:
    line: list[TextSpan] = [TextSpan(" " * indent)]
    used, empty = indent, True
    for span in spans:
        for number, word in enumerate((span.text,) if span.whole else span.text.split(" ")):
            text = printable(word)
            gap = 0 if empty or not number else 1
            if not empty and used + gap + cells(text) > width:
                yield _joined(line)
                line, used, empty, gap = [TextSpan(" " * hanging)], hanging, True, 0
            while used + gap + cells(text) > width:
                head, rest = _split(text, width - used - gap)
                yield _joined([*line, span._replace(text=" " * gap + head)])
                # Repeat, since the rest begins a new line.
                text = printable(rest)
                line, used, empty, gap = [TextSpan(" " * hanging)], hanging, True, 0
            line.append(span._replace(text=" " * gap + text))
            used, empty = used + gap + cells(text), empty and not text
    yield _joined(line)


def _joined(spans: list[TextSpan]) -> Line:
    """Join neighbours of one tone; an indent gets the tone of the text after it."""
    made: list[TextSpan] = []
    for span in spans:
        if made and _is_alike(made[-1], span):
            made[-1] = TextSpan(made[-1].text + span.text, span.tone, link=span.link)
        elif span.text:
            made.append(span)
    return Line(tuple(made))


def _is_alike(before: TextSpan, span: TextSpan) -> bool:
    """Return whether two neighbours are one piece; a link does not begin with white space."""
    if before.link == span.link:
        return before.tone is span.tone or not before.text.strip()
    return span.link is None and not before.text.strip()


def _split(text: str, room: int) -> tuple[str, str]:
    """Return as many characters as fit, at least one, and the rest."""
    taken = used = 0
    for char in text:
        used += _cells(char)
        if used > room and taken:
            break
        taken += 1
    return text[:taken], text[taken:]


def _cells(char: str) -> int:
    # Imported here, since nearly every report is ASCII.
    import unicodedata

    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
