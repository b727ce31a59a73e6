"""PhasePatch, unified diff."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterator, Mapping

from msgspec import Struct

from checker.model.rotation import SERIES, ConditionStatus, Expected, Phase, Rotation
from checker.rotation.sentences import condition_in_words

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
    if path.isprintable() or not any(
        char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in path
    ):
        return data
    return (
        b'"'
        + b"".join(
            b"\\%03o" % byte if byte < 0x20 or byte >= 0x7F or byte in b'"\\' else b"%c" % byte
            for byte in data
        )
        + b'"'
    )


def _lines(data: bytes) -> list[bytes]:
    """Lines by LF alone, with it: a carriage return belongs to its line's bytes."""
    pieces = data.split(b"\n")
    lines = [piece + b"\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


class FileChange(Struct, frozen=True, kw_only=True):
    """One file before and after a phase; `path` is relative to the configuration's folder, `before` None for a new file."""

    path: str
    before: bytes | None
    after: bytes


class PhasePatch(Struct, frozen=True, kw_only=True):
    """One phase of all rotations that take it: the files that change, from the text that the phase before leaves.

    `on_disk` says whether that text is what the files hold now, so that the patch can be written into them. `leaves` is the text
    that the phase leaves of every file that differs from what lies on disk. `expect` is "next" where the plan will have
    another rotation's phase too. `both` names the rotations whose consumers hold both PEMs by this run's edits (`--trust-bundle`).
    """

    phase: Phase
    rotations: tuple[Rotation, ...]
    changes: tuple[FileChange, ...]
    on_disk: bool
    leaves: Mapping[str, bytes]
    both: frozenset[str] = frozenset()
    expect: Expected | None = None

    @property
    def expected(self) -> Expected:
        """The value of `--expect` that its plan passes."""
        return self.expect or self.phase

    @property
    def place(self) -> str:
        """Its place in the series, in words; rollback is in none."""
        return (
            f"phase {SERIES.index(self.phase) + 1} of {len(SERIES)}"
            if self.phase in SERIES
            else "the way back from repoint"
        )

    @property
    def file_name(self) -> str:
        """The name under which it is stored."""
        return (
            f"{SERIES.index(self.phase) + 1}-{self.phase}.patch"
            if self.phase in SERIES
            else f"{self.phase}.patch"
        )

    @property
    def comments_only(self) -> bool:
        """Whether it adds the comments of successors that exist already, and nothing else: no apply follows it."""
        introduced = self.phase is Phase.INTRODUCE
        return introduced and all(
            rotation.taken_up is not None and rotation.taken_up.applied
            for rotation in self.rotations
        )

    @property
    def unmet(self) -> tuple[str, ...]:
        """What must hold before it is applied and does not yet, or what nobody has confirmed."""
        return tuple(
            condition_in_words(condition)
            for rotation in self.rotations
            for condition in rotation.conditions
            if condition.phase == self.phase and condition.holds is not ConditionStatus.YES
        )

    def diff(self, prefix: str) -> bytes:
        """The unified diff of all its files; `prefix` leads from where it is applied to the configuration's folder."""
        return b"".join(
            unified_diff(
                posixpath.normpath(posixpath.join(prefix, change.path)), change.before, change.after
            )
            for change in self.changes
        )


class Patches(Struct, frozen=True, kw_only=True):
    """What could be written, and the rotations as they stand after trying: some may have turned out to be blocked."""

    patches: tuple[PhasePatch, ...]
    rotations: tuple[Rotation, ...]
