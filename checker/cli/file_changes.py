"""Write edited files together: all of them or none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from checker.cli import signals
from checker.cli.atomic_write import refuse_protected, synchronise, write_beside, write_error
from checker.cli.write_journal import Entry, Journal, begin, settle
from checker.errors import UsageError
from checker.patches.patch import FileChange

_AS_IT_WAS = "every file is as it was"


def write_all(root: str, changes: Iterable[FileChange], *, within: Path) -> tuple[Path, ...]:
    """Replace files with their edited text, all or none, and create the new ones.

    Each text is first written to a temporary file beside its target, which is then renamed; mode
    and owner are kept. With the journal in the root, a later run can undo a write that was killed.
    A signal waits until all files are old or all are new.

    Raises TfcertError, with every file unchanged, if a file changed since it was read, is a
    symbolic link, is outside `within`, or cannot be written.
    """
    wanted = tuple(changes)
    folder = Path(root).resolve()
    targets = [Path(root, change.path) for change in wanted]
    if not wanted:
        return ()
    with signals.waiting():
        settle(folder, within=within)
        for target, change in zip(targets, wanted, strict=True):
            _refuse_strays(target, within)
            _refuse_changed(target, change.before)
            refuse_protected(target)
        signals.obey()
        try:
            texts = zip(targets, wanted, strict=True)
            journal = begin(
                folder, [(_from(folder, target), each.before, each.after) for target, each in texts]
            )
        except OSError as error:
            raise write_error(error, folder) from error
        _write(journal, targets, wanted)
        journal.close()
    return tuple(targets)


def _write(journal: Journal, targets: list[Path], changes: tuple[FileChange, ...]) -> None:
    target = targets[0]
    replaced = 0
    try:
        for target, change, entry in zip(targets, changes, journal.entries, strict=True):
            signals.obey()
            write_beside(target, change.after, temporary=entry.new)
            if change.before is not None:
                _keep(entry)
        for folder in {entry.target.parent for entry in journal.entries}:
            synchronise(folder)
        for target, change in zip(targets, changes, strict=True):
            # Checked again as late as possible, since writing the other files takes time.
            _refuse_changed(target, change.before)
        signals.obey()
        for entry in journal.entries:
            target = entry.target
            entry.new.replace(target)
            replaced += 1
        for folder in {entry.target.parent for entry in journal.entries}:
            synchronise(folder)
    except BaseException as error:
        # An interruption must not leave half of the files edited either.
        _undo(journal, error)
        if isinstance(error, OSError):
            raise _failed(error, target, replaced) from error
        if isinstance(error, KeyboardInterrupt):
            signals.report_interruption(_AS_IT_WAS)
        raise


def _undo(journal: Journal, error: BaseException) -> None:
    try:
        journal.undo()
    except OSError as second:
        journal.abandon()
        raise UsageError(
            f"some files are edited and cannot be restored now: {second.strerror}",
            where=str(second.filename),
            remedy="run `tfcert patch --write` again: it restores them first",
        ) from error
    journal.close()


def _failed(error: OSError, target: Path, replaced: int) -> UsageError:
    if not replaced:
        return write_error(error, target)
    return UsageError(error.strerror or "cannot be replaced", where=str(target), remedy=_AS_IT_WAS)


def _keep(entry: Entry) -> None:
    """Keep the old file beside its target: as a hard link, or as a copy if links do not work."""
    try:
        os.link(entry.target, entry.old, follow_symlinks=False)
    except OSError:
        entry.old.unlink(missing_ok=True)
        write_beside(entry.target, entry.target.read_bytes(), temporary=entry.old)


def _from(folder: Path, target: Path) -> str:
    return os.path.relpath(target.resolve(), folder).replace(os.sep, "/")


def _refuse_strays(path: Path, within: Path) -> None:
    if path.is_symlink() or not path.resolve().is_relative_to(within.resolve()):
        raise UsageError(
            f"a symbolic link, or outside {within}",
            where=str(path),
            remedy="nothing was changed; apply the diff manually",
        )


def _refuse_changed(path: Path, before: bytes | None) -> None:
    if before is None:
        if path.exists():
            raise UsageError(
                "is there by now", where=str(path), remedy="nothing was changed; ask again"
            )
        return
    try:
        now = path.read_bytes()
    except FileNotFoundError:
        now = None
    except OSError as error:
        raise write_error(error, path) from error
    if now != before:
        raise UsageError(
            "changed since it was read", where=str(path), remedy="nothing was changed; ask again"
        )
