"""Replace byte ranges in files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    for path, own in by_path.items():
        before = texts.get(path, b"")
        ordered = sorted(own, key=lambda edit: (edit.span.start, edit.span.end))
        pieces: list[bytes] = []
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
            pieces += (before[at : edit.span.start], edit.text)
            at = edit.span.end
        changed[path] = b"".join((*pieces, before[at:]))
    return changed
