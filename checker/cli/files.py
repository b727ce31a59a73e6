"""Writing edited files: all of them or none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from checker.cli.replacing import beside, unwritable
from checker.domain.errors import UsageError
from checker.domain.value import value
from checker.patches.phase_patch import FileChange


@value
class _Staged:
    """A file's new text beside it, ready to be renamed over it; `before` is None for a file that is new."""

    temporary: Path
    target: Path
    before: bytes | None


def write_all(root: str, changes: Iterable[FileChange], *, within: Path) -> tuple[Path, ...]:
    """Replace files by their edited text, all or none, and create those that are new.

    Each is first written to a temporary file beside it, without a .tf suffix since Terraform would load it, then renamed over it;
    mode and owner are kept. Raises TfcertError, with every file as it was, when a file changed since it was read, is a
    symbolic link, lies outside `within`, or cannot be written.
    """
    staged: list[_Staged] = []
    target = Path(root)
    try:
        for change in changes:
            target = Path(root, change.path)
            _refuse_strays(target, within)
            _refuse_changed(target, change.before)
            staged.append(_Staged(temporary=beside(target, change.after), target=target, before=change.before))
        for entry in staged:
            # Once more, as late as can be: writing the others took its time.
            _refuse_changed(entry.target, entry.before)
        _rename(staged)
    except OSError as error:
        raise unwritable(error, target) from error
    finally:
        for entry in staged:
            entry.temporary.unlink(missing_ok=True)
    return tuple(entry.target for entry in staged)


def _refuse_strays(path: Path, within: Path) -> None:
    if path.is_symlink() or not path.resolve().is_relative_to(within.resolve()):
        raise UsageError(
            f"a symbolic link, or outside {within}", where=str(path), remedy="nothing was changed; apply the diff by hand"
        )


def _refuse_changed(path: Path, before: bytes | None) -> None:
    if before is None:
        if path.exists():
            raise UsageError("is there by now", where=str(path), remedy="nothing was changed; ask again")
        return
    try:
        now = path.read_bytes()
    except FileNotFoundError:
        now = None
    if now != before:
        raise UsageError("changed since it was read", where=str(path), remedy="nothing was changed; ask again")


def _rename(staged: list[_Staged]) -> None:
    done: list[_Staged] = []
    try:
        for entry in staged:
            entry.temporary.replace(entry.target)
            done.append(entry)
    except BaseException as error:
        # An interruption half-way is no reason either to leave half of the files edited.
        stuck = [str(entry.target) for entry in done if not _restored(entry)]
        if not isinstance(error, OSError):
            raise
        remedy = (
            f"restore {', '.join(stuck)} from version control; the others are as they were" if stuck else "every file is as it was"
        )
        raise UsageError(error.strerror or "cannot be replaced", where=str(error.filename), remedy=remedy) from error
    for folder in {entry.target.parent for entry in staged}:
        # The new names outlive a power cut too, where the file system lets a folder be synchronised.
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _restored(entry: _Staged) -> bool:
    try:
        if entry.before is None:
            entry.target.unlink()
        else:
            entry.target.write_bytes(entry.before)
    except OSError:
        return False
    return True
