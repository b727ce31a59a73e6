"""The patch of a phase, and its unified diff."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from msgspec import Struct

from checker.model.rotation import SERIES, ConditionStatus, Expected, Phase, Rotation
from checker.patches.line_diff import diff_lines
from checker.rotation.sentences import condition_in_words


def unified_diff(path: str, before: bytes | None, after: bytes) -> bytes:
    """Return the difference between two texts of one file; `before` is None for a new file.

    `path` is relative to the folder where the patch is applied. The format is git's: git-diff(1),
    "Generating patch text".
    """
    old = _lines(before or b"")
    new = _lines(after)
    was, becomes = _name(f"a/{path}"), _name(f"b/{path}")
    head = [b"diff --git %s %s\n" % (was, becomes)]
    if before is None:
        head.append(b"new file mode 100644\n")
    names = (b"/dev/null" if before is None else was, becomes)
    return b"".join((*head, *_ended(diff_lines(old, new, names))))


def _name(path: str) -> bytes:
    """Return a path as git reads it back.

    A path with control characters, or that is not UTF-8, is in quotes with octal escapes.
    """
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
    """Return the lines of a text with their LF; a carriage return belongs to its line's bytes."""
    pieces = data.split(b"\n")
    lines = [piece + b"\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


class FileChange(Struct, frozen=True, kw_only=True):
    """One file before and after a phase.

    `path` is relative to the configuration's folder; `before` is None for a new file.
    """

    path: str
    before: bytes | None
    after: bytes


class PhasePatch(Struct, frozen=True, kw_only=True):
    """One phase of all rotations that take it: the files that change.

    The changes start from the text of the phase before. `on_disk` says whether the files have that
    text now, so that the patch can be written into them. `leaves` is the text after the phase of
    every file that differs from the disk. `expect` is "next" if the plan will also have another
    rotation's phase. `both` names the rotations whose consumers have both PEMs by this run's edits
    (`--trust-bundle`).
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
        """Return the value of `--expect` that its plan passes."""
        return self.expect or self.phase

    @property
    def place(self) -> str:
        """Return its place in the series, in words; rollback is not in the series."""
        return (
            f"phase {SERIES.index(self.phase) + 1} of {len(SERIES)}"
            if self.phase in SERIES
            else "the way back from repoint"
        )

    @property
    def file_name(self) -> str:
        """Return the name of the patch file."""
        return (
            f"{SERIES.index(self.phase) + 1}-{self.phase}.patch"
            if self.phase in SERIES
            else f"{self.phase}.patch"
        )

    @property
    def comments_only(self) -> bool:
        """Return whether it adds only comments of existing successors.

        Then no terraform apply follows it.
        """
        introduced = self.phase is Phase.INTRODUCE
        return introduced and all(
            rotation.taken_up is not None and rotation.taken_up.applied
            for rotation in self.rotations
        )

    @property
    def unmet(self) -> tuple[str, ...]:
        """Return the conditions for applying it that are unmet or unconfirmed."""
        return tuple(
            condition_in_words(condition)
            for rotation in self.rotations
            for condition in rotation.conditions
            if condition.phase == self.phase and condition.holds is not ConditionStatus.YES
        )

    def diff(self, prefix: str) -> bytes:
        """Return the unified diff of all its files.

        `prefix` leads from the folder where it is applied to the configuration's folder.
        """
        return b"".join(
            unified_diff(
                posixpath.normpath(posixpath.join(prefix, change.path)), change.before, change.after
            )
            for change in self.changes
        )


class Patches(Struct, frozen=True, kw_only=True):
    """The patches that could be written, and the rotations afterwards.

    Some rotations may be blocked by then.
    """

    patches: tuple[PhasePatch, ...]
    rotations: tuple[Rotation, ...]
