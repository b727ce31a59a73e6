"""Read configuration files without waiting for a FIFO or a device of such a name."""

from __future__ import annotations

import errno
import os
import stat

_LARGEST = 64 * 1024**2


def read_regular(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a regular file.

    Raises OSError for a file that cannot be read, that is not a regular file, or that is larger
    than 64 MiB. Without O_NONBLOCK, opening a FIFO waits for a writer. Source: POSIX, open().
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", os.fspath(path))
        if found.st_size > _LARGEST:
            raise OSError(errno.EFBIG, f"is larger than {_LARGEST // 1024**2} MiB", os.fspath(path))
        return file.read(_LARGEST)
