"""The patches of a run: each phase computed on the text that the one before leaves, each edit proven."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable

from checker.domain.errors import UnprovenError
from checker.domain.rotation import SERIES, Blocked, Next, Phase, Rotation
from checker.domain.value import replace, value
from checker.hcl.configuration import Configuration
from checker.hcl.references import Use
from checker.patches.diff import unified_diff
from checker.patches.edits import Step, references_to
from checker.patches.introduce import introduce
from checker.patches.repoint import repoint, rollback
from checker.patches.retire import retire

_WRITERS: dict[Phase, Callable[[Configuration, Step], Configuration]] = {
    Phase.INTRODUCE: introduce,
    Phase.REPOINT: repoint,
    Phase.RETIRE: retire,
    Phase.ROLLBACK: rollback,
}


@value
class FileChange:
    """One file before and after a phase; `path` is relative to the configuration's folder, `before` None for a new file."""

    path: str
    before: bytes | None
    after: bytes


@value
class PhasePatch:
    """One phase of all rotations that take it: the files that change, from the text that the phase before leaves.

    `on_disk` says whether that text is what the files hold now, so that the patch can be written into them.
    """

    phase: Phase
    rotations: tuple[Rotation, ...]
    changes: tuple[FileChange, ...]
    on_disk: bool

    @property
    def place(self) -> str:
        """Its place in the series, in words; rollback is in none."""
        return f"phase {SERIES.index(self.phase) + 1} of {len(SERIES)}" if self.phase in SERIES else "the way back from repoint"

    @property
    def file_name(self) -> str:
        """The name under which it is stored."""
        return f"{SERIES.index(self.phase) + 1}-{self.phase}.patch" if self.phase in SERIES else f"{self.phase}.patch"

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


def write_patches(configuration: Configuration, rotations: Iterable[Rotation], wanted: Phase | None, *, every: bool) -> Patches:
    """Write the next safe phase of each rotation, or with `wanted` or `every` the phases asked for, as a preview.

    A rotation that is blocked, or whose edit cannot be proven, is written in no phase: never a wrong patch.
    """
    writable: list[tuple[Rotation, frozenset[Phase]]] = []
    settled: list[Rotation] = []
    asked = [(rotation, _phases(rotation, wanted, every=every)) for rotation in rotations]
    claims = Counter(rotation.successor for rotation, phases in asked if phases)
    for rotation, phases in asked:
        refused = _contested(rotation) if phases and claims[rotation.successor] > 1 else None
        refused = refused or _rehearse(configuration, rotation, phases)
        if refused is None and phases:
            writable.append((rotation, phases))
        settled.append(replace(rotation, step=refused) if refused is not None else rotation)
    return Patches(patches=tuple(_series(configuration, writable)), rotations=tuple(settled))


def _contested(rotation: Rotation) -> Blocked:
    return Blocked(
        f"another certificate that is rotated now would get the same successor, {rotation.successor}",
        "rotate one after the other: --only ADDRESS, each with a --name of its own",
    )


def _phases(rotation: Rotation, wanted: Phase | None, *, every: bool) -> frozenset[Phase]:
    if rotation.predecessor is None or rotation.successor is None or isinstance(rotation.step, Blocked):
        return frozenset()
    if every:
        return frozenset(SERIES)
    if wanted is not None:
        return frozenset({wanted})
    return frozenset({rotation.step.phase}) if isinstance(rotation.step, Next) else frozenset()


def _needed(phases: frozenset[Phase]) -> tuple[Phase, ...]:
    """What is written for these phases: those before each come first in the text; a rollback starts from what is there."""
    if Phase.ROLLBACK in phases:
        return (Phase.ROLLBACK,)
    last = max((SERIES.index(phase) for phase in phases), default=-1)
    return SERIES[: last + 1]


def _rehearse(configuration: Configuration, rotation: Rotation, phases: frozenset[Phase]) -> Blocked | None:
    """Write the phases of one rotation alone, up to the last one asked for; what cannot be proven blocks the rotation."""
    current = configuration
    for phase in _needed(phases):
        try:
            current = _write(current, rotation, phase)
        except UnprovenError as error:
            where = f" ({error.where})" if error.where else ""
            return Blocked(f"{error.message}{where}", error.remedy or "make the edit by hand")
    return None


def _series(configuration: Configuration, writable: list[tuple[Rotation, frozenset[Phase]]]) -> list[PhasePatch]:
    current = configuration
    series: list[PhasePatch] = []
    every = frozenset[Phase]().union(*(phases for _, phases in writable))
    for phase in _needed(every):
        before = current
        taking: list[Rotation] = []
        for rotation, phases in writable:
            after = _write(current, rotation, phase) if phase in _needed(phases) else current
            if phase in phases and after is not current:
                taking.append(rotation)
            current = after
        if taking:
            series.append(_patch(configuration, before, current, phase, tuple(taking)))
    return series


def _patch(
    original: Configuration, before: Configuration, after: Configuration, phase: Phase, taking: tuple[Rotation, ...]
) -> PhasePatch:
    changes = tuple(
        FileChange(path=path, before=_text(before, path), after=file.data)
        for path, file in sorted(after.files.items())
        if file.data != _text(before, path)
    )
    same = all(_text(original, change.path) == change.before for change in changes)
    return PhasePatch(phase=phase, rotations=taking, changes=changes, on_disk=same and before is original)


def _text(configuration: Configuration, path: str) -> bytes | None:
    file = configuration.files.get(path)
    return file.data if file is not None else None


def _write(configuration: Configuration, rotation: Rotation, phase: Phase) -> Configuration:
    """One phase of one rotation on a text; the same text where that phase is already in it."""
    if rotation.predecessor is None or rotation.successor is None:
        return configuration
    step = Step(predecessor=rotation.predecessor, successor=rotation.successor)
    if _already(configuration, step, phase):
        return configuration
    return _WRITERS[phase](configuration, step)


def _already(configuration: Configuration, step: Step, phase: Phase) -> bool:
    def declared(address_name: str) -> bool:
        path, kind = step.predecessor.module_path, step.predecessor.type
        return next(configuration.blocks(path, "resource", kind, address_name), None) is not None

    match phase:
        case Phase.INTRODUCE:
            return declared(step.successor.name)
        case Phase.REPOINT:
            return not any(r.use is Use.POINTER for r in references_to(configuration, step.predecessor))
        case Phase.RETIRE:
            return not declared(step.predecessor.name)
        case Phase.ROLLBACK:
            return not any(r.use is Use.POINTER for r in references_to(configuration, step.successor))
