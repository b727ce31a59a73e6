"""The sources of a fleet: files, folders, objects and prefixes of buckets."""

from __future__ import annotations

import os
from typing import Literal, get_args

from msgspec import Struct

from checker.errors import UsageError
from checker.terraform.decode import Buffer

Scheme = Literal["s3", "gs", "az"]
_SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


class LocalSource(Struct, frozen=True):
    """A file or a folder, as the user named it."""

    path: str


class BucketSource(Struct, frozen=True, kw_only=True):
    """An object or a prefix in a bucket; `key` is empty for the whole bucket."""

    scheme: Scheme
    bucket: str
    key: str

    @property
    def is_prefix(self) -> bool:
        """Return whether everything below it is meant, and not one object."""
        return not self.key or self.key.endswith("/")

    @property
    def store(self) -> tuple[Scheme, str]:
        """Return what one connection reads."""
        return self.scheme, self.bucket

    def url(self, key: str) -> str:
        """Return the address of an object in the same bucket."""
        return f"{self.scheme}://{self.bucket}/{key}"

    def __str__(self) -> str:
        return self.url(self.key)


FleetSource = LocalSource | BucketSource


def parse_source(text: str) -> FleetSource:
    """Parse one source; raises UsageError for an address that names no bucket."""
    if text == "-":
        raise UsageError(
            "standard input is no folder",
            where="--states",
            remedy="pass folders, files or prefixes; --sources-from - reads a list of them",
        )
    scheme, separator, rest = text.partition("://")
    if not separator or "/" in scheme:
        return LocalSource(text)
    for known in _SCHEMES:
        if known == scheme:
            bucket, _, key = rest.partition("/")
            if not bucket:
                break
            return BucketSource(scheme=known, bucket=bucket, key=key)
    raise UsageError(
        "is no address that tfcert reads",
        where=text,
        remedy="write s3://BUCKET/PREFIX/, gs://BUCKET/PREFIX/ or az://CONTAINER/PREFIX/",
    )


def read_list(data: Buffer, *, where: str, zero: bool) -> tuple[str, ...]:
    """Read a list of sources: one a line, or each ended by a NUL as `find -print0` writes them.

    Raises UsageError for an empty list, and for a NUL in a list of lines.
    """
    given = bytes(data)
    if not zero and b"\0" in given:
        raise UsageError("has NUL characters", where=where, remedy="give -0, as for `xargs -0`")
    parts = given.split(b"\0") if zero else [line.rstrip(b"\r") for line in given.split(b"\n")]
    # Paths need not be UTF-8.
    found = tuple(os.fsdecode(part) for part in parts if part.strip())
    if not found:
        raise UsageError("names no source", where=where, remedy="write one source a line")
    return found
