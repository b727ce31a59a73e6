"""Patches as the page shows and copies them: each line in its colour, and no character that a reader cannot see.

What the page holds is what `git apply` takes, to the byte: a character that a terminal or a browser would act on, such as one
that turns the direction of writing, is wrapped, not replaced, so that its code is shown and the character itself is copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.rotation import Phase, WrittenPatch

if TYPE_CHECKING:
    from markupsafe import Markup

_PLAIN = re.compile(r"[\n\t -~]+")
_LINE = re.compile(r"[^\n]*\n?")
_KINDS = {"+": "add", "-": "del", "@": "at", "#": "say"}
_FILE = (
    "+++ ",
    "--- ",
    "diff ",
    "index ",
    "new file",
    "deleted file",
    "similarity",
    "rename ",
    "old mode",
    "new mode",
)


class PatchView(Struct, frozen=True, kw_only=True):
    """One patch on the page; `whole` says that it can be copied from here."""

    anchor: str
    phase: str
    file_name: str
    rotations: tuple[str, ...]
    unmet: tuple[str, ...]
    text: Markup
    added: int
    removed: int
    whole: bool


def patches_of(written: tuple[WrittenPatch, ...]) -> tuple[PatchView, ...]:
    """The patches in their order."""
    return tuple(_patch(f"p{number}", each) for number, each in enumerate(written))


def places(written: tuple[WrittenPatch, ...]) -> Mapping[tuple[Phase, str], str]:
    """Where on the page the patch is that fits what lies on disk, by its phase and the label of each of its rotations.

    That is the first of each configuration: a later one fits what the one before it leaves. A label that two configurations have
    is left out, since a rotation does not say whose it is.
    """
    found: dict[tuple[Phase, str], list[str]] = {}
    folders: set[str] = set()
    for number, each in enumerate(written):
        folder = each.file_name.rpartition("/")[0]
        for label in each.rotations if folder not in folders else ():
            found.setdefault((each.phase, label), []).append(f"p{number}")
        folders.add(folder)
    return {key: anchors[0] for key, anchors in found.items() if len(anchors) == 1}


def highlight_diff(diff: str) -> Markup:
    """The diff as HTML whose text is the diff itself."""
    from markupsafe import Markup

    return Markup("").join(_line(line) for line in _lines(diff))


def show_controls(line: str) -> Markup:
    """The text as HTML whose text it is, with a code to be seen for each character that is not."""
    from markupsafe import Markup, escape

    if _PLAIN.fullmatch(line) or line.replace("\n", "").replace("\t", "").isprintable():
        return escape(line)
    body = line.removesuffix("\r\n")
    # Where every line ends so, as in a file of Windows, that is no news: it is shown, and not made much of.
    end = "" if body == line else Markup('<b class="odd end" data-code="CR">&#13;</b>\n')
    return Markup("").join(map(_character, body)) + end


def fits_html(text: str) -> bool:
    """Whether HTML can hold it: there is no way to write NUL and what is no text, and what is copied must be what was written."""
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def _patch(anchor: str, written: WrittenPatch) -> PatchView:
    kinds = [_kind(line) for line in _lines(written.diff)]
    return PatchView(
        anchor=anchor,
        phase=str(written.phase),
        file_name=written.file_name,
        rotations=written.rotations,
        unmet=written.unmet,
        text=highlight_diff(written.diff),
        added=kinds.count("add"),
        removed=kinds.count("del"),
        whole=fits_html(written.diff),
    )


def _lines(diff: str) -> Iterator[str]:
    return (found for found in _LINE.findall(diff) if found)


def _kind(line: str) -> str:
    return "file" if line.startswith(_FILE) else _KINDS.get(line[:1], "")


def _line(line: str) -> Markup:
    from markupsafe import Markup

    kind = _kind(line)
    body = show_controls(line)
    return Markup('<span class="{}">{}</span>').format(kind, body) if kind else body


def _character(char: str) -> Markup:
    from markupsafe import Markup, escape

    if char.isprintable() or char in "\n\t":
        return escape(char)
    code = f"U+{ord(char):04X}"
    if not fits_html(char):
        return Markup('<b class="odd" data-code="{}"></b>').format(code)
    # A parser of HTML makes a line feed of a bare carriage return, and something else of a reference to some other controls.
    return Markup('<b class="odd" data-code="{}">{}</b>').format(
        code, Markup("&#13;") if char == "\r" else char
    )
