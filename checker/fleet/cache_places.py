"""Where a cache is: a private folder, or a prefix of a bucket."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import Protocol

from checker.errors import UnreadableError, UsageError
from checker.fleet.sources import BucketSource

# No file of a cache is larger; a larger one is not read.
LARGEST_CACHE_FILE = 512 * 1024**2


class CacheFolder:
    """A folder that nobody else can write, made if it is not there.

    Raises UsageError if it cannot be made or others can write there: an entry of theirs could make
    a state look clean.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)  # noqa: PTH103 -- a path need not be UTF-8
            found = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError) as error:
            raise UsageError(
                f"cannot be the folder of a cache: {_why(error)}",
                where=f"--cache {path}",
                remedy="name another one, or leave --cache out",
            ) from error
        if not _is_private(found):
            raise UsageError(
                "others can write into this folder, so its entries cannot be believed",
                where=f"--cache {path}",
                remedy="use a folder of your own: `chmod go-w` it, or name a new one",
            )

    def read(self, name: str) -> bytes | None:
        """Return a file; None if it is not there, no regular file, or if others can write it."""
        path = os.path.join(self._path, name)  # noqa: PTH118 -- not UTF-8
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            handle = os.open(path, flags)
        except OSError:
            return None
        with open(handle, "rb") as stream:  # noqa: PTH123 -- it is open already
            found = os.fstat(handle)
            if not (stat.S_ISREG(found.st_mode) and _is_private(found)):
                return None
            try:
                return stream.read() if found.st_size <= LARGEST_CACHE_FILE else None
            except OSError as error:
                raise UnreadableError(f"cannot be read: {_why(error)}", where=path) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file beside the old one, and put it in its place."""
        path = os.path.join(self._path, name)  # noqa: PTH118 -- not UTF-8
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(dir=self._path, prefix=".tfcert-")
            with open(handle, "wb") as stream:  # noqa: PTH123
                stream.write(data)
                stream.flush()
                os.fsync(handle)
            os.replace(temporary, path)  # noqa: PTH105
            temporary = ""
        except OSError as error:
            raise UnreadableError(f"cannot be written: {_why(error)}", where=path) from error
        finally:
            if temporary:
                try:
                    os.unlink(temporary)  # noqa: PTH108
                except OSError:
                    temporary = ""


class KeepsObjects(Protocol):
    """What is needed of a bucket: small objects, read and written as a whole.

    Both raise UnreadableError.
    """

    def get_small(self, source: BucketSource, key: str) -> bytes | None:
        """Return an object; None if there is none."""

    def put_small(self, source: BucketSource, key: str, data: bytes) -> None:
        """Write an object."""


class CacheBucket:
    """A prefix of a bucket. Who can write there is believed, as who can write the states is."""

    def __init__(self, source: BucketSource, stores: KeepsObjects) -> None:
        self._source = source
        self._stores = stores

    def read(self, name: str) -> bytes | None:
        """Return a file; None if it is not there."""
        return self._stores.get_small(self._source, f"{self._source.key}{name}")

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        self._stores.put_small(self._source, f"{self._source.key}{name}", data)


def _is_private(found: os.stat_result) -> bool:
    """Return whether only the owner, who is this user or root, can write."""
    return found.st_uid in {0, os.getuid()} and not found.st_mode & 0o022


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is not a path"
