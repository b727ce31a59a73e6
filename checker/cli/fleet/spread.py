"""`--dask`: the cluster that reads a fleet, and whose credentials its workers use."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from checker.cli.aws import Aws
from checker.cli.children import own_environment
from checker.cli.fleet.s3_access import BotoAccess
from checker.cli.fleet.worker import read_parcel
from checker.errors import UsageError
from checker.fleet.collect import Engine
from checker.fleet.read import Item
from checker.fleet.sources import BucketSource
from checker.fleet.stores import S3Place
from checker.fleet.task import ForwardedAccess, Parcel, ReadTask, WorkerSettings, pack
from checker.fleet.workers import processors

if TYPE_CHECKING:
    from checker.fleet.dask_engine import DaskClient

_LOCAL = re.compile(r"local(?::([0-9]{1,4}))?", re.ASCII)
_ADDRESS = re.compile(r"[a-z]+://[^/\s]+/?|[^/\s]+:[0-9]{1,5}", re.ASCII)


class WorkerCredentials(StrEnum):
    """The values of --worker-credentials."""

    OWN = "own"
    FORWARD = "forward"


class Spread(Struct, frozen=True, kw_only=True):
    """A Dask cluster: the address of its scheduler, or the number of workers to start here."""

    address: str | None
    count: int = 0
    credentials: WorkerCredentials = WorkerCredentials.OWN


def parse_spread(text: str, credentials: str | None) -> Spread:
    """Parse --dask and --worker-credentials.

    Raises UsageError for another value, without the package, and where credentials would travel
    over a connection that is not encrypted.
    """
    if credentials is not None and credentials not in set(WorkerCredentials):
        raise UsageError(
            f"{credentials!r} is neither own nor forward",
            where="--worker-credentials",
            remedy="write own or forward",
        )
    wanted = WorkerCredentials(credentials or WorkerCredentials.OWN)
    if find_spec("distributed") is None:
        raise UsageError(
            "needs the package distributed", where="--dask", remedy="pip install 'tfcert[fleet]'"
        )
    local = _LOCAL.fullmatch(text)
    if local is not None:
        count = int(local[1]) if local[1] else processors()
        if not count:
            raise UsageError("needs a worker", where="--dask local:0", remedy="write local:2")
        # Its workers are this user's processes: they find what this run finds.
        return Spread(address=None, count=count)
    if not _ADDRESS.fullmatch(text):
        raise UsageError(
            f"{text!r} is no address of a Dask scheduler",
            where="--dask",
            remedy="write tls://HOST:PORT, tcp://HOST:PORT, local or local:WORKERS",
        )
    if wanted is WorkerCredentials.FORWARD and not text.startswith("tls://"):
        raise UsageError(
            "credentials are only sent over TLS",
            where="--worker-credentials forward",
            remedy="use tls://HOST:PORT, or give the workers credentials of their own",
        )
    return Spread(address=text, credentials=wanted)


@contextmanager
def spread_engine(
    spread: Spread,
    aws: Aws,
    buckets: Sequence[BucketSource],
    *,
    tags: Collection[str],
    timeout: float,
) -> Iterator[Engine]:
    """Connect to the cluster, or start it; what was started ends here.

    Raises UsageError if the cluster cannot be used.
    """
    from checker.fleet.dask_engine import DaskEngine

    forward = None
    if spread.credentials is WorkerCredentials.FORWARD:
        forward = _Forward(aws, buckets)
    profile, role_arn, region = aws.named
    settings = WorkerSettings(
        run=uuid4().hex,
        tags=tuple(sorted(tags)),
        stores=tuple(dict.fromkeys(each.store for each in buckets)),
        timeout=timeout,
        profile=profile,
        role_arn=role_arn,
        region=region,
        compared=spread.address is not None,
    )
    with _connected(spread) as client:
        engine = DaskEngine(
            client,
            name=spread.address or f"--dask local:{spread.count}",
            function=read_parcel,
            task=_Tasks(settings, forward),
        )
        try:
            yield engine
        finally:
            engine.close()


@contextmanager
def _connected(spread: Spread) -> Iterator[DaskClient]:
    from checker.fleet.dask_engine import connect

    if spread.address is not None:
        yield connect(spread.address)
        return
    from checker.fleet.local_cluster import LocalDask

    local = LocalDask(spread.count, own_environment(os.environ))
    try:
        yield connect(local.address, local.security)
    finally:
        local.close()


class _Tasks:
    """Make the task of a batch."""

    def __init__(self, settings: WorkerSettings, forward: _Forward | None) -> None:
        self._settings = settings
        self._forward = forward

    def __call__(self, batch: tuple[Item, ...]) -> Parcel:
        access = self._forward.access() if self._forward is not None else None
        return pack(
            ReadTask(
                settings=self._settings,
                # A worker may run in another folder.
                items=tuple(
                    replace(item, key=os.path.abspath(item.key))  # noqa: PTH100 -- not UTF-8
                    if item.is_file
                    else item
                    for item in batch
                ),
                access=access,
            )
        )


class _Forward:
    """The credentials of this run for the workers, renewed with each batch.

    Raises UsageError for buckets whose credentials boto3 does not have.
    """

    def __init__(self, aws: Aws, buckets: Sequence[BucketSource]) -> None:
        other = next((each for each in buckets if each.scheme != "s3"), None)
        if other is not None:
            raise UsageError(
                "only credentials of S3 are forwarded",
                where=str(other),
                remedy="give the workers credentials of their own",
            )
        self._access = BotoAccess(aws)
        self._buckets = tuple(dict.fromkeys(each.bucket for each in buckets))
        self._places: dict[str, S3Place] = {}

    def access(self) -> ForwardedAccess:
        """Return the places and the credentials that are valid now."""
        for bucket in self._buckets:
            if bucket not in self._places:
                self._places[bucket] = self._access.place(bucket)
        regions = {place.region for place in self._places.values()}
        return ForwardedAccess(
            places=self._places, keys={region: self._access.keys(region) for region in regions}
        )
