"""What a run writes: one phase of some rotations, as the files that it changes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from checker.domain.rotation import SERIES, Expected, Holds, Phase, Rotation
from checker.domain.value import value
from checker.patches.diff import unified_diff


@value
class FileChange:
    """One file before and after a phase; `path` is relative to the configuration's folder, `before` None for a new file."""

    path: str
    before: bytes | None
    after: bytes


@value
class PhasePatch:
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
        return f"phase {SERIES.index(self.phase) + 1} of {len(SERIES)}" if self.phase in SERIES else "the way back from repoint"

    @property
    def file_name(self) -> str:
        """The name under which it is stored."""
        return f"{SERIES.index(self.phase) + 1}-{self.phase}.patch" if self.phase in SERIES else f"{self.phase}.patch"

    @property
    def comments_only(self) -> bool:
        """Whether it adds the comments of successors that exist already, and nothing else: no apply follows it."""
        introduced = self.phase is Phase.INTRODUCE
        return introduced and all(rotation.taken_up is not None and rotation.taken_up.applied for rotation in self.rotations)

    @property
    def unmet(self) -> tuple[str, ...]:
        """What must hold before it is applied and does not yet, or what nobody has confirmed."""
        return tuple(
            f"{condition.text} ({condition.holds})"
            for rotation in self.rotations
            for condition in rotation.conditions
            if condition.phase == self.phase and condition.holds is not Holds.YES
        )

    def diff(self, prefix: str) -> bytes:
        """The unified diff of all its files; `prefix` leads from where it is applied to the configuration's folder."""
        return b"".join(
            unified_diff(posixpath.normpath(posixpath.join(prefix, change.path)), change.before, change.after)
            for change in self.changes
        )


@value
class Patches:
    """What could be written, and the rotations as they stand after trying: some may have turned out to be blocked."""

    patches: tuple[PhasePatch, ...]
    rotations: tuple[Rotation, ...]
