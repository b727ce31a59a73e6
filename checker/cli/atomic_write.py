"""Replace files atomically: a reader sees the old text or the new text, never a part."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from checker.cli import signals
from checker.errors import UsageError

# A text, or its pieces in order: a long report is never in memory as a whole.
Contents = bytes | Iterable[bytes]


def replace_file(target: Path, text: bytes) -> None:
    """Write a text to one file, new or existing.

    A symbolic link stays; the file that it leads to is replaced. Raises UsageError if the file
    cannot be written; its content is then unchanged.
    """
    replace_files({target: text})


def replace_files(texts: Mapping[Path, Contents], obey: Callable[[], None] = signals.obey) -> None:
    """Write a text to each file; all are completely on disk before the first one is renamed.

    Raises UsageError if one cannot be written, as on a full disk; every file is then unchanged.
    `obey` raises KeyboardInterrupt for a signal that has to stop the writing.
    """
    staged: list[tuple[Path, Path]] = []
    devices: list[tuple[Path, Contents]] = []
    target = Path()
    with signals.waiting():
        try:
            for target, text in texts.items():
                obey()
                if target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
                if target.exists() and not target.is_file():
                    devices.append((target, text))
                    continue
                real = target.resolve()
                staged.append((write_beside(real, text), real))
            for target, text in devices:
                # A pipe or a device, such as /dev/stdout, must not be replaced by a rename.
                with target.open("wb") as stream:
                    stream.writelines(_pieces(text))
            for temporary, target in staged:
                temporary.replace(target)
        except OSError as error:
            raise write_error(error, target) from error
        finally:
            for temporary, _ in staged:
                temporary.unlink(missing_ok=True)


def write_error(error: OSError, where: Path) -> UsageError:
    """Return the error that a user sees for a file that cannot be written."""
    return UsageError(
        error.strerror or "cannot be written", where=str(where), remedy="nothing was changed"
    )


def refuse_protected(target: Path) -> None:
    """Raise UsageError for a read-only file: a rename would bypass its protection."""
    if target.exists() and not os.access(target, os.W_OK):
        raise UsageError(
            "is read-only",
            where=str(target),
            remedy="nothing was changed; make it writable, or apply the diff manually",
        )


def write_beside(target: Path, text: Contents, *, temporary: Path | None = None) -> Path:
    """Write a new file in the same folder, with the mode and owner of the file to be replaced.

    The temporary name has no `.tf` suffix, since Terraform would load such a file.
    """
    refuse_protected(target)
    there = target.stat() if target.exists() else None
    temporary = temporary or target.with_name(f".tfcert-{os.urandom(6).hex()}.new")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            for piece in _pieces(text):
                _write(handle, piece)
            os.fsync(handle)
        finally:
            os.close(handle)
        if there is not None:
            _like(temporary, there, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _pieces(text: Contents) -> Iterator[bytes]:
    if isinstance(text, bytes):
        yield text
    else:
        yield from text


def _write(handle: int, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(handle, left) :]


def _like(temporary: Path, there: os.stat_result, target: Path) -> None:
    new = temporary.stat()
    if (new.st_uid, new.st_gid) != (there.st_uid, there.st_gid):
        try:
            os.chown(temporary, there.st_uid, there.st_gid)
        except PermissionError as error:
            raise UsageError(
                "belongs to somebody else, and would not afterwards",
                where=str(target),
                remedy="nothing was changed; run tfcert as its owner, or apply the diff manually",
            ) from error
    # After the change of owner, which clears some bits of the mode.
    temporary.chmod(there.st_mode & 0o7777)


def synchronise(folder: Path) -> None:
    """Make the names in a folder survive a power failure, if the file system supports it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
