"""What travels between a run of tfcert and the workers of a Dask cluster."""

from __future__ import annotations

import pickle
from functools import cache

from msgspec import Struct

from checker.errors import TfcertError
from checker.fleet.read import BatchRead, Item
from checker.fleet.stores import S3Keys, S3Place

# What a parcel has inside is read by the same release only. Of one release, this counts its forms.
_FORM = 1


class OtherVersionError(TfcertError):
    """A parcel is of another version of tfcert, and is not opened."""


class Parcel(Struct, frozen=True):
    """A task or a result, with the version and the worker that it comes from.

    It may have credentials in it, and Dask logs the arguments of a task that fails.
    """

    version: str
    data: bytes
    worker: str = ""

    def __repr__(self) -> str:
        return "Parcel()"


class WorkerSettings(Struct, frozen=True, kw_only=True):
    """How a worker reads: the options of the run that count there, and none of its secrets.

    `compared` says that a file must be the one that the run listed, on another machine. Each run
    has its own number: a worker that lives on keeps no failure of the run before.
    """

    run: str
    tags: tuple[str, ...]
    stores: tuple[tuple[str, str], ...]
    timeout: float
    profile: str | None
    role_arn: str | None
    region: str | None
    compared: bool


class ForwardedAccess(Struct, frozen=True, kw_only=True):
    """The places of buckets of S3, and credentials by region, of `--worker-credentials forward`."""

    places: dict[str, S3Place]
    keys: dict[str, S3Keys]


class ReadTask(Struct, frozen=True, kw_only=True):
    """A batch to read, and how."""

    settings: WorkerSettings
    items: tuple[Item, ...]
    access: ForwardedAccess | None = None


@cache
def own_version() -> str:
    """Return the version of this tfcert, as workers are asked for it."""
    from importlib.metadata import version

    return version("tfcert")


def pack(value: ReadTask | BatchRead, worker: str = "") -> Parcel:
    """Pack a task or a result."""
    return Parcel(_version(), pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL), worker)


def is_own(parcel: Parcel) -> bool:
    """Return whether a parcel is of this version; no other one is opened."""
    return parcel.version == _version()


def unpack(parcel: Parcel) -> object:
    """Open a parcel; raises OtherVersionError for one of another version.

    Dask runs what a cluster's members send each other, so the pickle is trusted like they are.
    """
    if not is_own(parcel):
        raise OtherVersionError(f"is of tfcert {parcel.version}, and this is {_version()}")
    return pickle.loads(parcel.data)  # noqa: S301


def refusal(worker: str) -> Parcel:
    """Return the answer to a task of another version: only the version and the worker's name."""
    return Parcel(_version(), b"", worker)


def worker_name() -> str:
    """Return the address of this worker; raises ValueError outside of one."""
    from distributed import get_worker

    return str(get_worker().address)


def _version() -> str:
    return f"{own_version()}+{_FORM}"
