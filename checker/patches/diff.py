"""Unified diffs that `git apply` and `patch -p1` take, byte for byte: line ends and a missing final newline included."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

_CONTEXT = 3


def unified_diff(path: str, before: bytes | None, after: bytes) -> bytes:
    """The difference between two texts of one file; `before` is None for a file that is new.

    `path` is relative to the folder that the patch is applied from. The format is git's: git-diff(1), "Generating patch text".
    """
    old = _lines(before or b"")
    new = _lines(after)
    was, becomes = _name(f"a/{path}"), _name(f"b/{path}")
    head = [b"diff --git %s %s\n" % (was, becomes)]
    if before is None:
        head.append(b"new file mode 100644\n")
    names = (b"/dev/null" if before is None else was, becomes)
    body = difflib.diff_bytes(difflib.unified_diff, old, new, *names, n=_CONTEXT, lineterm=b"\n")
    return b"".join((*head, *_ended(body)))


def _name(path: str) -> bytes:
    """A path as git reads it back: in quotes, with octal escapes, where a control character would end it or it is not UTF-8."""
    data = path.encode("utf-8", "surrogateescape")
    if path.isprintable() or not any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in path):
        return data
    return (
        b'"' + b"".join(b"\\%03o" % byte if byte < 0x20 or byte >= 0x7F or byte in b'"\\' else b"%c" % byte for byte in data) + b'"'
    )


def _lines(data: bytes) -> list[bytes]:
    """Lines by LF alone, with it: a carriage return belongs to its line's bytes."""
    pieces = data.split(b"\n")
    lines = [piece + b"\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
