"""Write the patches of a run.

Each phase is computed on the text of the phase before, and each edit is proven.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from checker.errors import UnprovenError
from checker.hcl.configuration import Configuration
from checker.hcl.references import ReferenceUse
from checker.model.rotation import SERIES, Blocked, Next, Phase, Rotation
from checker.patches.edits import BlockPair, references_to
from checker.patches.introduce import introduce
from checker.patches.literals import LiteralStep, write_literal
from checker.patches.patch import FileChange, Patches, PhasePatch
from checker.patches.repoint import repoint, rollback
from checker.patches.retire import retire
from checker.patches.take_up import take_up
from checker.patches.trust import add_successor_pem, drop_predecessor_pem

_WRITERS: dict[Phase, Callable[[Configuration, BlockPair], Configuration]] = {
    Phase.INTRODUCE: introduce,
    Phase.REPOINT: repoint,
    Phase.RETIRE: retire,
    Phase.ROLLBACK: rollback,
}


class _Task(Struct, frozen=True, kw_only=True):
    """The phases to write of one rotation.

    `both` lets introduce pass both PEMs on if introduce is still to be written.
    """

    rotation: Rotation
    phases: frozenset[Phase]
    both: bool


def write_patches(
    configuration: Configuration,
    rotations: Iterable[Rotation],
    wanted: Phase | None,
    *,
    every: bool,
    trust_bundle: bool = False,
) -> Patches:
    """Write the next safe phase of each rotation.

    With `wanted` or `every`, write the requested phases, as a preview. With `trust_bundle`,
    introduce also gives both PEMs to each consumer of the old one. A rotation that is blocked, or
    whose edit cannot be proven, is written in no phase: there is never a wrong patch.
    """
    writable: list[_Task] = []
    settled: list[Rotation] = []
    tasks = [
        _task(rotation, wanted, every=every, trust_bundle=trust_bundle) for rotation in rotations
    ]
    claims = Counter(
        task.rotation.successor for task in tasks if task.phases and not task.rotation.left_over
    )
    for task in tasks:
        rotation = task.rotation
        refused = (
            _contested(rotation)
            if task.phases and not rotation.left_over and claims[rotation.successor] > 1
            else None
        )
        refused = refused or _rehearse(configuration, task)
        if refused is None and task.phases:
            writable.append(task)
        settled.append(replace(rotation, step=refused) if refused is not None else rotation)
    return Patches(patches=tuple(_series(configuration, writable)), rotations=tuple(settled))


def _contested(rotation: Rotation) -> Blocked:
    return Blocked(
        "another certificate that is rotated now would"
        f" get the same successor, {rotation.successor}",
        "rotate one after the other: --only ADDRESS, each with a --name of its own",
    )


def _task(rotation: Rotation, wanted: Phase | None, *, every: bool, trust_bundle: bool) -> _Task:
    phases = _phases(rotation, wanted, every=every)
    # If introduce was written without both PEMs, a later phase must not add them.
    both = trust_bundle and (Phase.INTRODUCE in phases or not rotation.introduced)
    return _Task(rotation=rotation, phases=phases, both=both)


def _phases(rotation: Rotation, wanted: Phase | None, *, every: bool) -> frozenset[Phase]:
    if isinstance(rotation.step, Blocked) or (
        rotation.successor is None and not rotation.left_over
    ):
        return frozenset()
    if rotation.left_over:
        retiring = (
            every
            or wanted is Phase.RETIRE
            or (wanted is None and rotation.step == Next(Phase.RETIRE))
        )
        return frozenset({Phase.RETIRE}) if retiring else frozenset()
    if every:
        # Terraform cannot delete a certificate that it does not manage: the runbook says how to.
        return (
            frozenset(SERIES)
            if rotation.predecessor is not None
            else frozenset({Phase.INTRODUCE, Phase.REPOINT})
        )
    if wanted is not None:
        return frozenset({wanted})
    return frozenset({rotation.step.phase}) if isinstance(rotation.step, Next) else frozenset()


def _needed(phases: frozenset[Phase]) -> tuple[Phase, ...]:
    """Return the phases to write: those requested and all that come before them in the series.

    A rollback starts from the current text.
    """
    if Phase.ROLLBACK in phases:
        return (Phase.ROLLBACK,)
    last = max((SERIES.index(phase) for phase in phases), default=-1)
    return SERIES[: last + 1]


def _rehearse(configuration: Configuration, task: _Task) -> Blocked | None:
    """Write the phases of one rotation alone, up to the last one requested.

    Return Blocked if an edit cannot be proven; None otherwise.
    """
    current = configuration
    for phase in _needed(task.phases):
        try:
            current = _write(current, task, phase)
        except UnprovenError as error:
            where = f" ({error.where})" if error.where else ""
            return Blocked(f"{error.message}{where}", error.remedy or "make the edit by hand")
    return None


def _series(configuration: Configuration, writable: list[_Task]) -> list[PhasePatch]:
    current = configuration
    series: list[PhasePatch] = []
    every = frozenset[Phase]().union(*(task.phases for task in writable))
    for phase in _needed(every):
        before = current
        taking: list[Rotation] = []
        for task in writable:
            after = _write(current, task, phase) if phase in _needed(task.phases) else current
            if phase in task.phases and after is not current:
                taking.append(task.rotation)
            current = after
        if taking:
            made = _patch(configuration, before, current, phase, tuple(taking))
            both = frozenset(task.rotation.label for task in writable if task.both)
            series.append(replace(made, both=both))
    return series


def _patch(
    original: Configuration,
    before: Configuration,
    after: Configuration,
    phase: Phase,
    taking: tuple[Rotation, ...],
) -> PhasePatch:
    changes = tuple(
        FileChange(path=path, before=_text(before, path), after=file.data)
        for path, file in sorted(after.files.items())
        if file.data != _text(before, path)
    )
    same = all(_text(original, change.path) == change.before for change in changes)
    leaves = {
        path: file.data for path, file in after.files.items() if file.data != _text(original, path)
    }
    return PhasePatch(
        phase=phase,
        rotations=taking,
        changes=changes,
        on_disk=same and before is original,
        leaves=leaves,
    )


def _text(configuration: Configuration, path: str) -> bytes | None:
    file = configuration.files.get(path)
    return file.data if file is not None else None


def _write(configuration: Configuration, task: _Task, phase: Phase) -> Configuration:
    """Write one phase of one rotation; return the same text if that phase is already in it."""
    rotation = task.rotation
    if rotation.left_over and rotation.predecessor is not None:
        step = BlockPair(
            predecessor=rotation.predecessor, successor=rotation.successor or rotation.predecessor
        )
        return retire(configuration, step) if phase is Phase.RETIRE else configuration
    if rotation.successor is None:
        return configuration
    if rotation.predecessor is None:
        return write_literal(
            configuration, LiteralStep(identity=rotation.label, successor=rotation.successor), phase
        )
    step = BlockPair(predecessor=rotation.predecessor, successor=rotation.successor)
    current = configuration
    if phase is Phase.INTRODUCE and rotation.taken_up is not None:
        current = take_up(current, step, applied=rotation.taken_up.applied)
        return add_successor_pem(current, step) if task.both else current
    if not _already(current, step, phase):
        current = drop_predecessor_pem(current, step) if phase is Phase.RETIRE else current
        current = _WRITERS[phase](current, step)
    return add_successor_pem(current, step) if phase is Phase.INTRODUCE and task.both else current


def _already(configuration: Configuration, step: BlockPair, phase: Phase) -> bool:
    def declared(address_name: str) -> bool:
        path, kind = step.predecessor.module_path, step.predecessor.type
        return next(configuration.blocks(path, "resource", kind, address_name), None) is not None

    match phase:
        case Phase.INTRODUCE:
            return declared(step.successor.name)
        case Phase.REPOINT:
            return not any(
                r.use is ReferenceUse.POINTER
                for r in references_to(configuration, step.predecessor)
            )
        case Phase.RETIRE:
            return not declared(step.predecessor.name)
        case Phase.ROLLBACK:
            return not any(
                r.use is ReferenceUse.POINTER for r in references_to(configuration, step.successor)
            )
