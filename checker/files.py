"""Open files so that a FIFO, a device or an endless stream cannot block tfcert."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, NoReturn

from checker.errors import UnreadableError

LARGEST = 8 * 1024**3
LARGEST_STREAM = 2 * 1024**3
_WINDOW = 1024**2
_PIPED = "pipe its content in and give - as the source"
# Up to this size a copy is as fast as a mapping, and safe if another process shortens the file.
_COPIED = 1024**2
_POPULATED = 256 * 1024**2


def is_directory(path: str) -> bool:
    """Return whether a path leads to an existing directory; False if it cannot be followed."""
    return os.path.isdir(path)  # noqa: PTH112 -- Path.is_dir raises for some paths


def open_file(path: str, *, most: int = LARGEST, instead: str = _PIPED) -> memoryview:
    """Return the bytes of a regular file; a large file is mapped and not copied.

    Raises UnreadableError for a file that is missing, forbidden, larger than `most` bytes, or not
    regular: a FIFO or a device could keep tfcert waiting for ever. `instead` is the remedy for a
    file that is not regular.
    """
    try:
        _check(Path(path).stat(), path, most, instead)
        # Without O_NONBLOCK, opening would wait if a FIFO replaced the file after the check.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        _unopened(path, error)
    try:
        found = os.fstat(handle)
        _check(found, path, most, instead)
        return _copied(handle, found.st_size) if found.st_size <= _COPIED else _mapped(handle)
    except (OSError, ValueError) as error:
        _unopened(path, error)
    finally:
        os.close(handle)


def read_stream(stream: BinaryIO, source: str, *, most: int = LARGEST_STREAM) -> memoryview:
    """Read all bytes of a stream into memory; raises UnreadableError for more than `most` bytes."""
    read = bytearray()
    try:
        while piece := stream.read(_WINDOW):
            read += piece
            if len(read) > most:
                remedy = "write it into a file and pass the file, which needs less memory"
                raise UnreadableError(f"is larger than {most} bytes", where=source, remedy=remedy)
    except MemoryError as error:
        read.clear()
        remedy = (
            "write it into a file and pass the file, or run tfcert on a machine with more memory"
        )
        raise UnreadableError(
            "needs more memory than is available", where=source, remedy=remedy
        ) from error
    except OSError as error:
        raise UnreadableError(
            f"cannot be read: {error.strerror}", where=source, remedy="pipe a plan or a state in"
        ) from error
    return memoryview(read)


def _check(found: os.stat_result, path: str, most: int, instead: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError("is not a regular file", where=path, remedy=instead)
    if found.st_size > most:
        raise UnreadableError(f"is larger than {_size(most)}", where=path)


def _size(most: int) -> str:
    return f"{most // 1024**3} GiB" if most >= 1024**3 else f"{most // 1024} KiB"


def _copied(handle: int, size: int) -> memoryview:
    pieces: list[bytes] = []
    while piece := os.read(handle, size + 1):
        pieces.append(piece)
        size -= len(piece)
        if size < 0:
            break
    return memoryview(b"".join(pieces))


def _mapped(handle: int) -> memoryview:
    import mmap

    # All of it is read once and in order. Without MAP_POPULATE, page faults take a tenth of the
    # time. For a file that may not fit into memory, the kernel decides which pages to keep.
    populate = getattr(mmap, "MAP_POPULATE", 0) if os.fstat(handle).st_size <= _POPULATED else 0
    return memoryview(mmap.mmap(handle, 0, flags=mmap.MAP_SHARED | populate, prot=mmap.PROT_READ))


def _unopened(path: str, error: OSError | ValueError) -> NoReturn:
    if isinstance(error, FileNotFoundError):
        message, remedy = "there is no such file or directory", "check the path"
    elif isinstance(error, PermissionError):
        message, remedy = "may not be read by this user", "check its permissions"
    elif isinstance(error, OSError) and error.errno == errno.ENOMEM:
        message = "is larger than the address space that this process may use"
        remedy = (
            "it is mapped and not copied: raise that limit (`ulimit -v`); "
            "one of memory or data does no harm"
        )
    elif isinstance(error, OSError) and error.strerror:
        message, remedy = f"cannot be read: {error.strerror}", "check the path"
    else:
        message, remedy = "is not a path", "check the path"
    raise UnreadableError(
        message, where=repr(path) if "\0" in path else path, remedy=remedy
    ) from error
