"""Read a batch in a worker of a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import cast

from checker.cli.aws import Aws
from checker.cli.fleet.s3_access import BotoAccess
from checker.errors import UnreadableError
from checker.files import open_file
from checker.fleet.read import BatchRead, Item, read_batch
from checker.fleet.sources import BucketSource, Scheme
from checker.fleet.stores import THREADS, S3Keys, S3Place, Stores
from checker.fleet.task import (
    ForwardedAccess,
    Parcel,
    ReadTask,
    WorkerSettings,
    is_own,
    pack,
    refusal,
    unpack,
    worker_name,
)
from checker.fleet.versions import file_version, settled_version
from checker.terraform.decode import Buffer

_ELSEWHERE = (
    "put the states where every worker of the cluster sees them, such as a bucket, or leave "
    "--dask out"
)


def read_parcel(parcel: Parcel) -> Parcel:
    """Read the batch of a parcel; the answer to another version of tfcert is only this version."""
    name = worker_name()
    if not is_own(parcel):
        return refusal(name)
    return pack(read_task(cast("ReadTask", unpack(parcel))), name)


def read_task(task: ReadTask) -> BatchRead:
    """Read the batch of a task with the connections of its run."""
    reader = _reader(task.settings, forwarded=task.access is not None)
    return reader.read(task.items, task.access)


@lru_cache(maxsize=4)
def _reader(settings: WorkerSettings, *, forwarded: bool) -> _Reader:
    return _Reader(settings, forwarded=forwarded)


class _Reader:
    """The connections of this worker for one run, shared by its tasks."""

    def __init__(self, settings: WorkerSettings, *, forwarded: bool) -> None:
        self._settings = settings
        self._given = _GivenAccess()
        own = Aws(
            profile=settings.profile,
            role_arn=settings.role_arn,
            region=settings.region,
            timeout=settings.timeout,
        )
        self._stores = Stores(
            [
                BucketSource(scheme=cast("Scheme", scheme), bucket=bucket, key="")
                for scheme, bucket in settings.stores
            ],
            self._given if forwarded else BotoAccess(own),
            tags=settings.tags,
            timeout=settings.timeout,
        )
        self._pool = ThreadPoolExecutor(THREADS) if settings.stores else None

    def read(self, items: Sequence[Item], access: ForwardedAccess | None) -> BatchRead:
        """Read a batch: files one after the other, and objects many at a time."""
        if access is not None:
            self._given.access = access
        files = [item for item in items if item.is_file]
        result = read_batch(files, self._open, self._settings.tags, settled_version)
        objects = [item for item in items if not item.is_file]
        if objects:
            assert self._pool is not None  # noqa: S101 -- an object has a store
            for each in self._pool.map(lambda item: self._stores.read([item]), objects):
                result.add(each)
        return result

    def _open(self, item: Item) -> Buffer:
        """Return the bytes of a file; raises UnreadableError if it is not the one of the run."""
        if not self._settings.compared:
            return open_file(item.key)
        try:
            found = os.stat(item.key)  # noqa: PTH116 -- a path need not be UTF-8
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or "it is not a path"
            raise UnreadableError(
                f"a worker of the cluster cannot read it: {why}", remedy=_ELSEWHERE
            ) from error
        listed = item.version.partition(":")[0]
        if (found.st_size, file_version(found).partition(":")[0]) != (item.size, listed):
            raise UnreadableError(
                "a worker of the cluster has another file of this name, or it was just changed",
                remedy=_ELSEWHERE,
            )
        return open_file(item.key)


class _GivenAccess:
    """The access to S3 that came with the last task."""

    access = ForwardedAccess(places={}, keys={})

    def place(self, bucket: str) -> S3Place:
        """Return where a bucket is."""
        place = self.access.places[bucket]
        # A file of CAs is of this machine.
        return S3Place(
            region=place.region,
            endpoint=place.endpoint,
            authorities=os.environ.get("AWS_CA_BUNDLE") or None,
        )

    def keys(self, region: str) -> S3Keys:
        """Return credentials that are valid now."""
        return self.access.keys[region]

    def fetch(self, url: str) -> bytes:
        """Raise UnreadableError: this worker has no obstore, and no credentials of its own."""
        raise UnreadableError(
            "a worker of the cluster lacks the package obstore",
            where=url,
            remedy="install tfcert[fleet] in the environment of the workers",
        )
