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
    head = [f"diff --git a/{path} b/{path}\n".encode()]
    if before is None:
        head.append(b"new file mode 100644\n")
    names = (b"/dev/null" if before is None else f"a/{path}".encode(), f"b/{path}".encode())
    body = difflib.diff_bytes(difflib.unified_diff, old, new, *names, n=_CONTEXT, lineterm=b"\n")
    return b"".join((*head, *_ended(body)))


def _lines(data: bytes) -> list[bytes]:
    """Lines by LF alone, with it: a carriage return belongs to its line's bytes."""
    pieces = data.split(b"\n")
    lines = [piece + b"\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
