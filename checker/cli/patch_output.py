"""Write the result of `patch`, for one configuration or for each root module; print its lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from checker.cli import output, signals
from checker.cli.atomic_write import replace_files
from checker.cli.file_changes import write_all
from checker.cli.load import RootModules, read_root_modules
from checker.cli.output_conflicts import refuse_overwriting
from checker.cli.patch_preview import relative_folder
from checker.cli.patch_result import (
    Directory,
    InPlace,
    PatchResult,
    Request,
    Stdout,
    one_configuration,
    patch_result,
)
from checker.cli.terminal.pager import show_patch
from checker.cli.verify import edits_are_valid
from checker.errors import TfcertError, UsageError
from checker.model.policy import Policy
from checker.pipeline import Loaded, Observe
from checker.reports.escape import printable
from checker.rotation.sentences import NO_MORE_ROTATIONS, is_yearly
from checker.terraform.tool import Wanted


class PatchStatus(Struct, frozen=True, kw_only=True):
    """The exit code, and whether the requested certificates exist.

    `yearly` is whether a rotation is of a certificate of API Gateway itself.
    """

    exit_code: int
    known: bool
    yearly: bool = False


def deliver(
    loaded: Loaded,
    observe: Observe | None,
    request: Request,
    *,
    policy: Policy,
    as_of: datetime,
    root: str | None = None,
) -> PatchStatus:
    """Write the requested patches and print the status of each rotation.

    `root` is the folder of one root module among others: it is printed above the output, and a
    module with nothing to do prints nothing.
    """
    configuration = one_configuration(loaded)
    result = patch_result(loaded, configuration, observe, request, policy=policy, as_of=as_of)
    if request.wish.only and not result.known and root is None:
        raise UsageError(
            "no such certificate in the sources",
            where="--only",
            remedy="`tfcert check` lists their addresses",
        )
    for notice in result.notices:
        output.warn(notice)
    if root is not None and result.empty:
        return PatchStatus(exit_code=result.exit_code, known=result.known)
    if root is not None:
        output.write(printable(f"# root module {root}").encode() + b"\n")
    if request.verify is not None and not edits_are_valid(
        configuration, result.patches, request.verify, result.paths.top
    ):
        return PatchStatus(exit_code=3, known=result.known)
    emit(result, loaded, paged=root is None)
    yearly = any(map(is_yearly, result.patches.rotations))
    if yearly and root is None:
        _note_no_more_rotations()
    return PatchStatus(exit_code=result.exit_code, known=result.known, yearly=yearly)


def _note_no_more_rotations() -> None:
    output.write(f"# note: {NO_MORE_ROTATIONS}\n".encode())


def emit(result: PatchResult, loaded: Loaded, *, paged: bool = False) -> None:
    """Write a result to its destinations, then print its lines.

    With `paged`, a terminal shows the patches through the user's pager.

    Raises UsageError if an output is one of the `loaded` inputs, or cannot be written.
    """
    for warning in result.warnings:
        output.warn(warning)
    for each in result.writes:
        match each:
            case Stdout(text=text, edited=edited):
                _warn_above_here(edited)
                show_patch(text, paged=paged)
            case Directory(folder=folder, files=files) if files:
                _store(folder, files, loaded)
            case Directory():
                output.write(b"# no certificate is to be rotated: no runbook is written\n")
            case InPlace():
                _edit(each)
    output.write("".join(f"# {printable(line)}\n" for line in result.lines).encode())


def _warn_above_here(edited: Sequence[Path]) -> None:
    """Warn if `git apply` would leave edits out in silence.

    In a subfolder it skips files above that folder.
    """
    if sys.stdout.isatty():
        return
    here = Path.cwd().resolve()
    above = [path for path in edited if not path.is_relative_to(here)]
    if above:
        output.warn(
            f"the patch edits {os.path.relpath(above[0], here)}, outside this folder: "
            "`git apply` here leaves it out in silence; "
            "use `tfcert patch --write`, "
            'or pipe into `git -C "$(git rev-parse --show-toplevel)" apply`'
        )


def _store(out: Path, files: Mapping[Path, bytes], loaded: Loaded) -> None:
    """Write files into a folder, all or none, and print their paths; create the folder."""
    refuse_overwriting(
        files,
        [document.source.path for document in loaded.inventory.documents],
        loaded,
        option="--out",
    )
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_files(files)
    except (OSError, TfcertError, KeyboardInterrupt) as error:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            where = str(error.filename or out)
            raise UsageError(
                error.strerror or "cannot be written", where=where, remedy="check --out"
            ) from error
        raise
    for path in files:
        output.write(f"{printable(str(path))}\n".encode())


def _edit(target: InPlace) -> None:
    """Edit the configuration's files, and print their paths."""
    first = target.patch
    if not first.on_disk:
        raise UsageError(
            f"{first.phase} builds on a phase that the files do not hold yet",
            where="--write",
            remedy="write and apply the phase before it first: --phase next",
        )
    for condition in target.conditions:
        output.warn(f"warning: before {first.phase} is applied: {condition}")
    with signals.waiting():
        written = write_all(target.root, first.changes, within=target.top)
        for path in written:
            shown = (
                os.path.relpath(path.resolve(), target.top.resolve())
                if path.resolve().is_relative_to(target.top.resolve())
                else path
            )
            output.write(f"# {first.phase}: edited {printable(str(shown))}\n".encode())
    if signals.received():
        signals.report_interruption(f"{first.phase} is written in full, files: {len(written)}")
        raise KeyboardInterrupt


def deliver_each(
    sources: Sequence[str],
    observe: Observe | None,
    request: Request,
    *,
    config: str | None,
    tool: Wanted,
    policy: Policy,
    as_of: datetime,
    settle: Callable[[str], None] | None = None,
) -> int:
    """Write the requested patches of every root module, print the results, return the exit code.

    A module that cannot be read or written does not stop the others; it is printed, and the exit
    code is 3.
    """
    tree = read_root_modules(sources, config=config, tool=tool, tags=policy.tags, settle=settle)
    known, code, yearly = not request.wish.only, 0, False
    for directory, loaded in tree.read:
        found = _deliver(directory, loaded, observe, request, policy=policy, as_of=as_of)
        known, code = known or found.known, max(code, found.exit_code)
        yearly = yearly or found.yearly
    if not known and not tree.unread:
        raise UsageError(
            "no such certificate in any root module",
            where="--only",
            remedy="`tfcert check --recursive` lists them",
        )
    for root in tree.unread:
        output.write(
            printable(f"# {root.path}: could not be read: {root.reason} ({root.remedy})").encode()
            + b"\n"
        )
    if yearly:
        _note_no_more_rotations()
    output.write(_summary(tree).encode())
    return 3 if tree.unread else code


def _deliver(
    directory: str,
    loaded: Loaded,
    observe: Observe | None,
    request: Request,
    *,
    policy: Policy,
    as_of: datetime,
) -> PatchStatus:
    own = (
        replace(request, out=str(Path(request.out, relative_folder(directory))))
        if request.out is not None
        else request
    )
    try:
        return deliver(loaded, observe, own, policy=policy, as_of=as_of, root=directory)
    except TfcertError as error:
        output.write(printable(f"# {directory}: {error}").encode() + b"\n")
        return PatchStatus(exit_code=3, known=True)


def _summary(tree: RootModules) -> str:
    return (
        f"# root modules: {len(tree.read)} read, {len(tree.unread)} not read, "
        f"{tree.unconcerned} without anything of ours\n"
    )
