"""Write the patches of a run.

Each phase is computed on the text of the phase before, and its edits are proven.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from checker.hcl.configuration import Configuration
from checker.model.rotation import SERIES, Blocked, Next, Phase, Rotation
from checker.patches.patch import FileChange, Patches, PhasePatch
from checker.patches.series import Task, WrittenPhase, write_series


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
    tasks = [
        _task(rotation, wanted, every=every, trust_bundle=trust_bundle) for rotation in rotations
    ]
    claims = Counter(
        task.rotation.successor for task in tasks if task.phases and not task.rotation.left_over
    )
    contested = {
        number: _contested(task.rotation)
        for number, task in enumerate(tasks)
        if task.phases and not task.rotation.left_over and claims[task.rotation.successor] > 1
    }
    written = write_series(
        configuration,
        {number: task for number, task in enumerate(tasks) if number not in contested},
    )
    refused = {**contested, **written.refused}
    writable = [task for number, task in enumerate(tasks) if number not in refused]
    both = frozenset(task.rotation.label for task in writable if task.both and task.phases)
    return Patches(
        patches=tuple(
            _patch(configuration, each, tasks, both) for each in written.phases if each.taking
        ),
        rotations=tuple(
            replace(task.rotation, step=refused[number]) if number in refused else task.rotation
            for number, task in enumerate(tasks)
        ),
    )


def _contested(rotation: Rotation) -> Blocked:
    return Blocked(
        f"another rotation would create the same successor, {rotation.successor}",
        "rotate one after the other with --only ADDRESS, each with its own --name",
    )


def _task(rotation: Rotation, wanted: Phase | None, *, every: bool, trust_bundle: bool) -> Task:
    phases = _phases(rotation, wanted, every=every)
    # If introduce was written without both PEMs, a later phase must not add them.
    both = trust_bundle and (Phase.INTRODUCE in phases or not rotation.introduced)
    if both:
        rotation = replace(
            rotation, cautions=tuple(each for each in rotation.cautions if not each.unless_both)
        )
    return Task(rotation=rotation, phases=phases, both=both)


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
        # Terraform cannot delete a certificate that it does not manage: the runbook describes how
        # to.
        return (
            frozenset(SERIES)
            if rotation.predecessor is not None
            else frozenset({Phase.INTRODUCE, Phase.REPOINT})
        )
    if wanted is not None:
        return frozenset({wanted})
    return frozenset({rotation.step.phase}) if isinstance(rotation.step, Next) else frozenset()


def _patch(
    original: Configuration,
    written: WrittenPhase,
    tasks: list[Task],
    both: frozenset[str],
) -> PhasePatch:
    before, after = written.draft.before, written.draft.configuration
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
        phase=written.phase,
        rotations=tuple(tasks[number].rotation for number in written.taking),
        changes=changes,
        on_disk=same and before is original,
        leaves=leaves,
        both=both,
    )


def _text(configuration: Configuration, path: str) -> bytes | None:
    file = configuration.files.get(path)
    return file.data if file is not None else None
