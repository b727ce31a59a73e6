"""Write the phases of many rotations, prove each phase once, and find the rotations at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.configuration import Configuration
from checker.hcl.readings import IN_PARTS, WHOLE, Readers, by_hcl2
from checker.hcl.references import ReferenceUse
from checker.hcl.splice import check_edits
from checker.model.address import Address
from checker.model.rotation import SERIES, Blocked, Phase, Rotation
from checker.patches.draft import Draft, Edits
from checker.patches.edits import BlockPair, references_to
from checker.patches.introduce import introduce
from checker.patches.literals import LiteralStep, write_literal
from checker.patches.repoint import repoint, rollback
from checker.patches.retire import retire
from checker.patches.take_up import take_up
from checker.patches.trust import add_successor_pem, drop_predecessor_pem

_Writer = Callable[[Draft], Edits]

_WRITERS: dict[Phase, Callable[[Draft, BlockPair], Edits]] = {
    Phase.INTRODUCE: introduce,
    Phase.REPOINT: repoint,
    Phase.RETIRE: drop_predecessor_pem,
    Phase.ROLLBACK: rollback,
}


class Task(Struct, frozen=True, kw_only=True):
    """The phases to write of one rotation.

    `both` lets introduce pass both PEMs on if introduce is still to be written.
    """

    rotation: Rotation
    phases: frozenset[Phase]
    both: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPhase:
    """The proven text of a phase, and the numbers of the tasks that asked for it and changed it."""

    phase: Phase
    draft: Draft
    taking: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The phases in order, and why some tasks are in none of them."""

    phases: tuple[WrittenPhase, ...]
    refused: Mapping[int, Blocked]


def write_series(configuration: Configuration, tasks: Mapping[int, Task]) -> Series:
    """Write the phases of all tasks together.

    All edits of a phase are proven together, once for each file. Only if that fails, the tasks at
    fault are searched for; each is refused, and the others are written without it.
    """
    good, refused = dict(tasks), dict[int, Blocked]()
    while True:
        drafted = list(_drafted(configuration, good))
        failed = {number: error for each in drafted for number, error in each.failed.items()}
        failed = failed or _disproven(drafted, good)
        if not failed:
            break
        for number, error in failed.items():
            refused[number] = _alone(configuration, good.pop(number)) or _blocked(error)
    phases = tuple(
        WrittenPhase(
            phase=each.phase,
            draft=each.draft,
            taking=tuple(number for number in good if each.takes(number, good[number])),
        )
        for each in drafted
    )
    return Series(phases=phases, refused=refused)


@dataclass(slots=True)
class _Drafted:
    """The text of a phase that is not proven yet, the files that each task edits, and faults."""

    phase: Phase
    draft: Draft
    paths: dict[int, set[str]] = field(default_factory=dict)
    failed: dict[int, UnprovenError] = field(default_factory=dict)

    def takes(self, number: int, task: Task) -> bool:
        return self.phase in task.phases and number in self.paths

    def refusal(self, readers: Readers) -> UnprovenError | None:
        for path in self.draft.paths:
            try:
                self.draft.prove(path, readers)
            except UnprovenError as error:
                return error
        return None


def _drafted(configuration: Configuration, tasks: Mapping[int, Task]) -> Iterator[_Drafted]:
    current = configuration
    every = frozenset[Phase]().union(*(task.phases for task in tasks.values()))
    for phase in _needed(every):
        own = {number: task for number, task in tasks.items() if phase in _needed(task.phases)}
        found = _draft(current, own, phase)
        current = found.draft.configuration
        yield found


def _needed(phases: frozenset[Phase]) -> tuple[Phase, ...]:
    """Return the phases to write: those requested and all that come before them in the series.

    A rollback starts from the current text.
    """
    if Phase.ROLLBACK in phases:
        return (Phase.ROLLBACK,)
    last = max((SERIES.index(phase) for phase in phases), default=-1)
    return SERIES[: last + 1]


def _draft(configuration: Configuration, tasks: Mapping[int, Task], phase: Phase) -> _Drafted:
    """Write one phase of all tasks; those whose edits cannot be written are in `failed`."""
    draft = Draft(configuration)
    drafted = _Drafted(phase, draft)
    for stage in (_first, _second):
        for number, task in tasks.items():
            if number in drafted.failed:
                continue
            names = _names(configuration, task)
            if draft.knows(names):
                draft.apply()
            try:
                edits = _edits(draft, stage(draft, task, phase))
            except UnprovenError as error:
                drafted.failed[number] = error
                continue
            if edits.edits:
                draft.add(edits, names)
                drafted.paths.setdefault(number, set()).update(e.path for e in edits.edits)
        draft.apply()
    return drafted


def _edits(draft: Draft, writer: _Writer | None) -> Edits:
    if writer is None:
        return Edits()
    edits = writer(draft)
    if draft.meets(edits):
        draft.apply()
        edits = writer(draft)
    files = draft.configuration.files
    paths = {edit.path for edit in edits.edits if edit.path in files}
    check_edits({path: files[path].data for path in paths}, edits.edits)
    return edits


def _names(configuration: Configuration, task: Task) -> tuple[tuple[str, ...], ...]:
    """Return the certificates of a rotation, by the folder of their module."""
    pair = (task.rotation.predecessor, task.rotation.successor)
    return tuple(
        (configuration.modules[each.module_path].directory, each.type, each.name)
        for each in pair
        if each is not None and each.module_path in configuration.modules
    )


def _first(draft: Draft, task: Task, phase: Phase) -> _Writer | None:
    """Return the writer of a phase; None if the phase is already in the text."""
    rotation = task.rotation
    if rotation.successor is None or rotation.left_over:
        return None
    if rotation.predecessor is None:
        # A predecessor without a block is one id, which the configuration has as text.
        literal = LiteralStep(identity=rotation.predecessor_ids[0], successor=rotation.successor)
        return lambda draft: write_literal(draft, literal, phase)
    step = BlockPair(predecessor=rotation.predecessor, successor=rotation.successor)
    if phase is Phase.INTRODUCE and rotation.taken_up is not None:
        applied = rotation.taken_up.applied
        return lambda draft: take_up(draft, step, applied=applied)
    if _already(draft.configuration, step, phase):
        return None
    return lambda draft: _WRITERS[phase](draft, step)


def _second(draft: Draft, task: Task, phase: Phase) -> _Writer | None:
    """Return the writer of what follows in the same phase, on the text of the first."""
    rotation = task.rotation
    if rotation.predecessor is None:
        return None
    successor: Address | None = rotation.successor
    if rotation.left_over:
        successor = successor or rotation.predecessor
    if successor is None:
        return None
    step = BlockPair(predecessor=rotation.predecessor, successor=successor)
    if phase is Phase.RETIRE:
        if not rotation.left_over and _already(draft.configuration, step, phase):
            return None
        return lambda draft: retire(draft, step)
    if phase is Phase.INTRODUCE and task.both and not rotation.left_over:
        return lambda draft: add_successor_pem(draft, step)
    return None


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


def _disproven(drafted: Sequence[_Drafted], tasks: Mapping[int, Task]) -> dict[int, UnprovenError]:
    """Prove each phase; return the tasks at fault in the first phase that cannot be proven."""
    for each in drafted:
        failed: dict[int, UnprovenError] = {}
        for path in each.draft.paths:
            try:
                each.draft.prove(path)
            except UnprovenError as error:
                own = {
                    number: task
                    for number, task in tasks.items()
                    if path in each.paths.get(number, ())
                }
                failed |= _at_fault(each, own, path, error)
        if failed:
            return failed
    return {}


def _at_fault(
    drafted: _Drafted, tasks: Mapping[int, Task], path: str, error: UnprovenError
) -> dict[int, UnprovenError]:
    """Find the tasks without which the phase of one file can be proven.

    The search reads single blocks, since reading the whole file for each attempt takes long.
    """
    before = drafted.draft.before.files.get(path)
    try:
        if before is not None:
            by_hcl2(before)
    except UnprovenError as unreadable:
        return dict.fromkeys(tasks, unreadable)
    for readers in (IN_PARTS, WHOLE):
        search = _Search(drafted.draft.before, drafted.phase, path, readers)
        found = search.faults(tasks)
        if found:
            return found
    return {max(tasks): error}


@dataclass(frozen=True, slots=True)
class _Search:
    """A search by halves for the tasks whose edits of a file cannot be proven."""

    before: Configuration
    phase: Phase
    path: str
    readers: Readers

    def faults(self, tasks: Mapping[int, Task]) -> dict[int, UnprovenError]:
        error = self._refusal(tasks)
        if error is None:
            return {}
        if len(tasks) == 1:
            return dict.fromkeys(tasks, error)
        numbers = list(tasks)
        half = len(numbers) // 2
        found = {
            **self.faults({number: tasks[number] for number in numbers[:half]}),
            **self.faults({number: tasks[number] for number in numbers[half:]}),
        }
        # Each half may be right alone: then one task has to wait for the others.
        return found or {numbers[-1]: error}

    def _refusal(self, tasks: Mapping[int, Task]) -> UnprovenError | None:
        drafted = _draft(self.before, tasks, self.phase)
        if drafted.failed:
            return next(iter(drafted.failed.values()))
        if self.path not in drafted.draft.paths:
            return None
        try:
            drafted.draft.prove(self.path, self.readers)
        except UnprovenError as error:
            return error
        return None


def _alone(configuration: Configuration, task: Task) -> Blocked | None:
    """Return why one rotation cannot be written; None if it can be written without the others.

    The text without the other rotations has the line numbers that the user sees. Reading single
    blocks tells quickly which phase fails; the reason comes from the whole file.
    """
    for readers in (IN_PARTS, WHOLE):
        for each in _drafted(configuration, {0: task}):
            if each.failed:
                return _blocked(each.failed[0])
            if each.refusal(readers) is not None:
                error = each.refusal(WHOLE)
                if error is not None:
                    return _blocked(error)
    return None


def _blocked(error: UnprovenError) -> Blocked:
    where = f" ({error.where})" if error.where else ""
    return Blocked(f"{error.message}{where}", error.remedy or "make the edit manually")
