"""Writing edited files: all of them or none."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from checker.domain.errors import TfcertError, UsageError
from checker.patches.stages import FileChange


def write_all(root: str, changes: Iterable[FileChange], *, within: Path) -> tuple[Path, ...]:
    """Replace files by their edited text, all or none.

    Each is first written to a temporary file beside it, without a .tf suffix since Terraform would load it, then renamed over it;
    mode and owner are kept. Raises TfcertError, with every file as it was, when a file changed since it was read, is a
    symbolic link, lies outside `within`, or cannot be written.
    """
    waiting: list[tuple[Path, Path, bytes]] = []
    try:
        for change in changes:
            target = _target(Path(root, change.path), change.before, within)
            waiting.append((_beside(target, change.after), target, change.before))
    except (OSError, TfcertError) as error:
        _discard(waiting)
        if isinstance(error, TfcertError):
            raise
        raise UsageError(
            error.strerror or "cannot be written", where=str(error.filename or root), remedy="nothing was changed"
        ) from error
    return _rename(waiting)


def _target(path: Path, before: bytes, within: Path) -> Path:
    if path.is_symlink() or not path.resolve().is_relative_to(within.resolve()):
        raise UsageError(
            f"a symbolic link, or outside {within}", where=str(path), remedy="nothing was changed; apply the diff by hand"
        )
    if path.read_bytes() != before:
        raise UsageError("changed since it was read", where=str(path), remedy="nothing was changed; ask again")
    return path


def _beside(target: Path, text: bytes) -> Path:
    status = target.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tfcert", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(status.st_mode & 0o7777)
        with contextlib.suppress(PermissionError):
            os.chown(name, status.st_uid, status.st_gid)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _rename(waiting: list[tuple[Path, Path, bytes]]) -> tuple[Path, ...]:
    done: list[tuple[Path, bytes]] = []
    try:
        for temporary, target, before in waiting:
            temporary.replace(target)
            done.append((target, before))
    except OSError as error:
        for target, before in done:
            target.write_bytes(before)
        _discard(waiting)
        raise UsageError(
            error.strerror or "cannot be replaced", where=str(error.filename), remedy="every file is as it was"
        ) from error
    return tuple(target for target, _ in done)


def _discard(waiting: list[tuple[Path, Path, bytes]]) -> None:
    for temporary, _, _ in waiting:
        temporary.unlink(missing_ok=True)
