"""Replace byte ranges in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from checker.errors import UnprovenError
from checker.hcl.syntax import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A byte range of one file and its replacement; an empty range is an insertion."""

    path: str
    span: Span
    text: bytes


def splice(texts: Mapping[str, bytes], edits: Iterable[Edit]) -> dict[str, bytes]:
    """Return the files that the edits change; a new file starts empty.

    Raises UnprovenError when edits overlap, or when one changes nothing: such an edit is a mistake.
    """
    changed: dict[str, bytes] = {}
    for path, ordered in _in_order(texts, edits):
        before = texts.get(path, b"")
        pieces: list[bytes] = []
        at = 0
        for edit in ordered:
            pieces += (before[at : edit.span.start], edit.text)
            at = edit.span.end
        changed[path] = b"".join((*pieces, before[at:]))
    return changed


def check_edits(texts: Mapping[str, bytes], edits: Iterable[Edit]) -> None:
    """Check that `splice` can apply edits. Raises UnprovenError like it."""
    for _ in _in_order(texts, edits):
        pass


def _in_order(
    texts: Mapping[str, bytes], edits: Iterable[Edit]
) -> Iterator[tuple[str, list[Edit]]]:
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    for path, own in by_path.items():
        before = texts.get(path, b"")
        ordered = sorted(own, key=lambda edit: (edit.span.start, edit.span.end))
        at = 0
        for edit in ordered:
            if edit.span.start < at or edit.span.end > len(before):
                raise UnprovenError(
                    "two edits overlap",
                    where=path,
                    remedy="please report this; nothing was written",
                )
            if edit.span.of(before) == edit.text:
                raise UnprovenError(
                    "an edit changes nothing",
                    where=path,
                    remedy="please report this; nothing was written",
                )
            at = edit.span.end
        yield path, ordered


class Removals:
    """Ranges of one text that edits remove, and so the text that stays around them.

    `others` are ranges that other edits remove.
    """

    def __init__(self, others: Removals | None = None) -> None:
        self._others = others
        self._ends: dict[int, int] = {}
        self._starts: dict[int, int] = {}

    def add(self, gone: Span) -> None:
        """Add a range."""
        if gone.start < gone.end:
            self._ends[gone.start], self._starts[gone.end] = gone.end, gone.start

    def before(self, offset: int) -> int:
        """Return where the text before an offset ends once the ranges are removed."""
        return _follow(offset, self._starts, self._others.starts if self._others else {})

    def behind(self, offset: int) -> int:
        """Return where the text behind an offset starts once the ranges are removed."""
        return _follow(offset, self._ends, self._others.ends if self._others else {})

    @property
    def starts(self) -> Mapping[int, int]:
        """Return the start of each range by its end."""
        return self._starts

    @property
    def ends(self) -> Mapping[int, int]:
        """Return the end of each range by its start."""
        return self._ends


def _follow(offset: int, first: Mapping[int, int], second: Mapping[int, int]) -> int:
    while (found := first.get(offset, second.get(offset))) is not None:
        offset = found
    return offset
