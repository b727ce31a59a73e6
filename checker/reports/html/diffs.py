"""Patches on the page: coloured by line, with every invisible character made visible.

The page contains exactly the bytes that `git apply` takes. A terminal or a browser acts on some
characters, such as one that changes the writing direction. These are wrapped, not replaced: the
page shows their code and copies the character itself.
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
    """One patch on the page; `whole` is whether it can be copied from the page."""

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
    """Return the patches in their order."""
    return tuple(_patch(f"p{number}", each) for number, each in enumerate(written))


def places(written: tuple[WrittenPatch, ...]) -> Mapping[tuple[Phase, str], str]:
    """Return the anchor of the patch that applies to the files on disk.

    The keys are a phase and the label of each rotation in the patch. Only the first patch of each
    configuration applies to the files on disk; the next one applies after it. A label that two
    configurations have is omitted, since a rotation does not name its configuration.
    """
    found: dict[tuple[Phase, str], list[str]] = {}
    folders: set[str] = set()
    for number, each in enumerate(written):
        for label in each.rotations if each.folder not in folders else ():
            found.setdefault((each.phase, label), []).append(f"p{number}")
        folders.add(each.folder)
    return {key: anchors[0] for key, anchors in found.items() if len(anchors) == 1}


def highlight_diff(diff: str) -> Markup:
    """Return the diff as HTML whose text is the diff itself."""
    from markupsafe import Markup

    return Markup("").join(_line(line) for line in _lines(diff))


def show_controls(line: str) -> Markup:
    """Return the text as HTML with the same text; each invisible character has a visible code."""
    from markupsafe import Markup, escape

    if _PLAIN.fullmatch(line) or line.replace("\n", "").replace("\t", "").isprintable():
        return escape(line)
    body = line.removesuffix("\r\n")
    # If every line ends with CRLF, as in a file of Windows, the code is shown without emphasis.
    end = "" if body == line else Markup('<b class="odd end" data-code="CR">&#13;</b>\n')
    return Markup("").join(map(_character, body)) + end


def fits_html(text: str) -> bool:
    """Return whether HTML can contain the text unchanged.

    HTML has no form for NUL and for lone surrogates.
    """
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
    # An HTML parser turns a bare carriage return into a line feed. It turns a reference to some
    # other controls into another character.
    return Markup('<b class="odd" data-code="{}">{}</b>').format(
        code, Markup("&#13;") if char == "\r" else char
    )
