"""What becomes of the patches: printed, stored in a folder, or written into the files."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from checker.cli import output, signals
from checker.cli.caching import cache_folder
from checker.cli.files import write_all
from checker.cli.ground import Ground, ground_of, patch_text
from checker.cli.overwriting import refuse_overwriting
from checker.cli.reading import Loaded
from checker.cli.replacing import replace_files
from checker.cli.request import Request
from checker.cli.standing import exit_code, standing
from checker.cli.verifying import verify
from checker.domain.errors import TfcertError, UnprovenError, UnreadableError, UsageError
from checker.domain.outcome import Outcome
from checker.domain.policy import Policy
from checker.domain.rotation import Blocked, Next, Phase, Rotation, Waiting
from checker.domain.run import Run
from checker.domain.value import replace, value
from checker.hcl.configuration import Configuration
from checker.hcl.structure import keep_grammar_in
from checker.patches.phase_patch import Patches
from checker.patches.trust_text import nothing_to_edit
from checker.patches.wording import runbook
from checker.pipeline import Observe, patch
from checker.readers.tool import Tool, Wanted, find_tool
from checker.reports.printable import encoded, printable


@value
class Delivered:
    """The exit code, and whether the certificates that were asked for by name are there."""

    exit_code: int
    known: bool


def deliver(
    loaded: Loaded, observe: Observe | None, request: Request, *, policy: Policy, as_of: datetime, root: str | None = None
) -> Delivered:
    """Write what is asked for and say how each rotation stands.

    `root` is the folder of one root module among others: it is put above what is said, and one with nothing to do is silent.
    """
    configuration = _one(loaded)
    cache = cache_folder(os.environ)
    if cache is not None:
        keep_grammar_in(cache)
    outcome, patches = patch(loaded.inventory, configuration, observe, Run(as_of=as_of, policy=policy), request.wish)
    known = bool(patches.rotations) or _known(outcome, request.wish.only)
    if request.wish.only and not known and root is None:
        raise UsageError("no such certificate in the sources", where="--only", remedy="`tfcert check` lists their addresses")
    for notice in outcome.notices:
        output.warn(notice)
    if request.wish.phase is None and not request.wish.every:
        patches = _first_apply(patches)
    ground = ground_of(configuration)
    code = exit_code(outcome, patches)
    if root is not None and not patches.rotations and not code:
        return Delivered(exit_code=code, known=known)
    if root is not None:
        output.write(printable(f"# root module {root}").encode() + b"\n")
    if request.verify is not None and not _verified(configuration, patches, request.verify, ground.top):
        return Delivered(exit_code=3, known=known)
    _put(loaded, configuration, outcome, patches, request, ground)
    back = request.wish.phase is Phase.ROLLBACK
    lines = standing(
        outcome,
        patches,
        written=request.write,
        back=back,
        only=request.wish.only,
        retiring=request.wish.phase is Phase.RETIRE,
    )
    output.write("".join(f"# {printable(line)}\n" for line in lines).encode())
    return Delivered(exit_code=code, known=known)


def _put(
    loaded: Loaded, configuration: Configuration, outcome: Outcome, patches: Patches, request: Request, ground: Ground
) -> None:
    if request.wish.trust_bundle:
        _warn_without_edits(loaded, patches)
    if request.write:
        _write(configuration, patches, ground.top)
    if request.out is not None:
        _store(Path(request.out), loaded, outcome, patches, ground, trust_bundle=request.wish.trust_bundle)
    if not request.write and request.out is None:
        _warn_above_here(patches, ground)
        for entry in patches.patches:
            output.write(patch_text(entry, ground))


def _warn_above_here(patches: Patches, ground: Ground) -> None:
    """Warn before `git apply` leaves edits out in silence: in a subfolder it passes over files above that folder."""
    if sys.stdout.isatty():
        return
    here = Path.cwd().resolve()
    edited = [(ground.top / ground.prefix / change.path).resolve() for entry in patches.patches for change in entry.changes]
    above = [path for path in edited if not path.is_relative_to(here)]
    if above:
        output.warn(
            f"the patch edits {os.path.relpath(above[0], here)}, outside this folder: `git apply` here leaves it out in silence; "
            'use `tfcert patch --write`, or pipe into `git -C "$(git rev-parse --show-toplevel)" apply`'
        )


def _warn_without_edits(loaded: Loaded, patches: Patches) -> None:
    """Say where --trust-bundle finds nothing to edit, and why."""
    declared = [document.declared for document in loaded.inventory.documents if document.declared is not None]
    for rotation in patches.rotations:
        if isinstance(rotation.step, Blocked):
            continue
        found = next((each for each in declared if rotation.predecessor and each.certificate(rotation.predecessor)), None)
        text = nothing_to_edit(rotation, found) if found is not None else None
        if text is not None:
            output.warn(text)


def _verified(configuration: Configuration, patches: Patches, tool: Tool, top: Path) -> bool:
    """Whether the tool validates what every phase leaves; says so, or why not."""
    try:
        verify(configuration, patches.patches, tool, top=top)
    except (UnprovenError, UnreadableError) as error:
        output.write(f"# not verified: {printable(str(error))}\n".encode())
        return False
    if patches.patches:
        phases = ", ".join(str(entry.phase) for entry in patches.patches)
        output.write(f"# verified with {tool.name} on a copy: {phases}\n".encode())
    return True


def verifier(wanted: Wanted) -> Tool:
    """The tool that is to verify; raises UsageError where there is none."""
    found = find_tool(wanted.name, os.environ, wanted.passed)
    if found is None:
        raise UsageError("no terraform and no tofu on PATH", where="--verify", remedy="install one, or name one with --tool")
    return found


def _first_apply(patches: Patches) -> Patches:
    """What one apply takes of what is safe now (I1): rotations in a later phase come after it."""
    if len(patches.patches) > 1:
        later = ", ".join(str(entry.phase) for entry in patches.patches[1:])
        output.warn(
            f"only {patches.patches[0].phase} is written, since one apply takes one phase; apply it, then ask again for {later}"
        )
    first = patches.patches[:1]
    if first and any(_is_in_another_phase(rotation, first[0].phase) for rotation in patches.rotations):
        output.warn(
            "the rotations are in different phases: check the plan with `--expect next`, which judges each by its own phase"
        )
        first = (replace(first[0], expect="next"),)
    return replace(patches, patches=first)


def _is_in_another_phase(rotation: Rotation, phase: Phase) -> bool:
    """Whether the plan may hold a phase of this rotation that is not the one written."""
    match rotation.step:
        case Next(phase=other):
            return other is not phase
        case Waiting():
            return rotation.introduced
        case _:
            return False


def _one(loaded: Loaded) -> Configuration:
    roots = {found.root: found for found in loaded.configurations if found is not None}
    if not roots:
        path = loaded.inventory.documents[0].source.path
        raise UnreadableError("no .tf files beside it", where=path, remedy="name their folder with --config")
    if len(roots) > 1:
        raise UsageError("the sources belong to several configurations", remedy="run `tfcert patch` once for each")
    return next(iter(roots.values()))


def _known(outcome: Outcome, only: frozenset[str]) -> bool:
    return any(str(case.address) in only or str(case.address.block) in only for case in outcome.cases.all if case.address) or any(
        case.id in only for case in outcome.cases.all
    )


def _store(out: Path, loaded: Loaded, outcome: Outcome, patches: Patches, ground: Ground, *, trust_bundle: bool) -> None:
    if not patches.rotations:
        output.write(b"# no certificate is to be rotated: no runbook is written\n")
        return
    declared = next(document.declared for document in loaded.inventory.documents if document.declared is not None)
    text = runbook(
        patches.rotations,
        declared,
        outcome.cases.policy,
        as_of=outcome.cases.as_of,
        where=ground.where,
        trust_bundle=trust_bundle,
        files={entry.phase: os.path.relpath((out / entry.file_name).resolve(), ground.top) for entry in patches.patches},
        expected={str(entry.phase): str(entry.expected) for entry in patches.patches},
        places={str(stage.address): stage for document in loaded.inventory.documents for stage in document.stages if stage.address},
    )
    texts = {out / entry.file_name: patch_text(entry, ground) for entry in patches.patches}
    texts[out / "RUNBOOK.md"] = encoded(text)
    refuse_overwriting(texts, [document.source.path for document in loaded.inventory.documents], loaded, option="--out")
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_files(texts)
    except (OSError, TfcertError, KeyboardInterrupt) as error:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            where = str(error.filename or out)
            raise UsageError(error.strerror or "cannot be written", where=where, remedy="check --out") from error
        raise
    for path in texts:
        output.write(f"{printable(str(path))}\n".encode())


def _write(configuration: Configuration, patches: Patches, top: Path) -> None:
    if not patches.patches:
        return
    first = patches.patches[0]
    if not first.on_disk:
        raise UsageError(
            f"{first.phase} builds on a phase that the files do not hold yet",
            where="--write",
            remedy="write and apply the phase before it first: --phase next",
        )
    safe = all(rotation.step == Next(first.phase) for rotation in first.rotations)
    for condition in () if safe else first.unmet:
        output.warn(f"warning: before {first.phase} is applied: {condition}")
    with signals.waiting():
        written = write_all(configuration.root, first.changes, within=top)
        for path in written:
            shown = os.path.relpath(path.resolve(), top.resolve()) if path.resolve().is_relative_to(top.resolve()) else path
            output.write(f"# {first.phase}: edited {printable(str(shown))}\n".encode())
    if signals.received():
        signals.tell(f"{first.phase} is written in full, files: {len(written)}")
        raise KeyboardInterrupt
