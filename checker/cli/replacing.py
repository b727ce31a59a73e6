"""One file replaced so that a reader sees the old text or the new one, and never a part of it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from checker.domain.errors import UsageError


def replace_file(target: Path, text: bytes) -> None:
    """Put a text into one file, new or not, so that a reader sees the old text or the new one and never a part of it.

    A symbolic link stays, and what it leads to is replaced. Raises UsageError, with the file as it was, when it cannot be written.
    """
    temporary = None
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            # Nothing is renamed over a pipe or a device, as /dev/stdout may be.
            with target.open("wb") as stream:
                stream.write(text)
            return
        target = target.resolve()
        temporary = beside(target, text)
        temporary.replace(target)
    except OSError as error:
        raise unwritable(error, target) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def unwritable(error: OSError, where: Path) -> UsageError:
    """What a person is told of a file that cannot be written."""
    return UsageError(error.strerror or "cannot be written", where=str(where), remedy="nothing was changed")


def beside(target: Path, text: bytes) -> Path:
    """A new file in the same folder with the text, and with the mode and owner of the one that it will replace."""
    there = target.stat() if target.exists() else None
    if there is not None and not os.access(target, os.W_OK):
        # A rename would get past a file's own protection, which somebody set for a reason.
        raise UsageError(
            "is read-only", where=str(target), remedy="nothing was changed; make it writable, or apply the diff by hand"
        )
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tfcert")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if there is not None:
            _like(temporary, there, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _like(temporary: Path, there: os.stat_result, target: Path) -> None:
    new = temporary.stat()
    if (new.st_uid, new.st_gid) != (there.st_uid, there.st_gid):
        try:
            os.chown(temporary, there.st_uid, there.st_gid)
        except PermissionError as error:
            raise UsageError(
                "belongs to somebody else, and would not afterwards",
                where=str(target),
                remedy="nothing was changed; run tfcert as its owner, or apply the diff by hand",
            ) from error
    # Behind the change of owner, which takes some bits of the mode away.
    temporary.chmod(there.st_mode & 0o7777)
