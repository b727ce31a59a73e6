"""Read the fleet that `--states` asks for, and say what was read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from checker.analysis.owners import OWNER_TAGS
from checker.cli import signals
from checker.cli.aws import Aws
from checker.cli.children import own_environment
from checker.cli.fleet.progress import fleet_progress
from checker.cli.fleet.request import FleetRequest
from checker.cli.fleet.s3_access import BotoAccess
from checker.errors import UsageError
from checker.files import open_file
from checker.fleet.cache import FleetCache
from checker.fleet.collect import Engine, Fleet, collect
from checker.fleet.listing import FleetListing, alone
from checker.fleet.read import Item, read_batch
from checker.fleet.selection import NameKind, is_certain
from checker.fleet.sources import BucketSource, FleetSource, LocalSource
from checker.fleet.stores import Stores
from checker.model.inventory import Inventory
from checker.model.outcome import FleetView
from checker.pipeline import Loaded


class LoadedFleet(Struct, frozen=True, kw_only=True):
    """What was read; after an interruption AWS is not asked."""

    loaded: Loaded
    interrupted: bool
    view: FleetView


def load_fleet(
    request: FleetRequest,
    aws: Aws,
    *,
    chosen: Sequence[tuple[str, str | None]],
    tags: Collection[str],
    timeout: float,
    verbose: bool,
) -> LoadedFleet:
    """Read every state below the sources; Ctrl-C ends the reading, and what was read counts.

    Raises UsageError if a report of `chosen` would replace a state or plan of the fleet.
    """
    _refuse_states(request, chosen)
    tags = frozenset(tags) | OWNER_TAGS
    buckets = [each for each in request.sources if isinstance(each, BucketSource)]
    used = [*buckets, *([request.cache] if isinstance(request.cache, BucketSource) else ())]
    stores = Stores(used, BotoAccess(aws), tags=tags, timeout=timeout) if used else None
    listing = FleetListing(request.selection)
    with (
        _cache(request, stores, tags, verbose=verbose) as cache,
        _engine(request, aws, buckets, tags, timeout) as engine,
        fleet_progress(verbose=verbose) as watch,
    ):
        fleet = collect(
            _items(request.sources, listing, stores),
            listing,
            remote=stores,
            tags=tags,
            environment=own_environment(os.environ),
            watch=watch,
            engine=engine,
            cache=cache,
        )
    if fleet.interrupted:
        signals.report_interruption("the documents read so far are judged by their recorded dates")
    inventory = Inventory(
        documents=fleet.documents,
        unread=fleet.unread,
        notices=(_notice(fleet, request),),
        organisation=True,
    )
    return LoadedFleet(
        loaded=Loaded(inventory=inventory, configurations=tuple(None for _ in fleet.documents)),
        interrupted=fleet.interrupted,
        view=_view(fleet, request),
    )


@contextmanager
def _cache(
    request: FleetRequest, stores: Stores | None, tags: Collection[str], *, verbose: bool
) -> Iterator[FleetCache | None]:
    """Load the cache, and save what was read even if the run cannot go on."""
    if request.cache is None:
        yield None
        return
    from checker.cli.fleet.kept import open_cache, save_cache

    cache = open_cache(request.cache, stores, tags)
    try:
        yield cache
    finally:
        save_cache(cache, verbose=verbose)


@contextmanager
def _engine(
    request: FleetRequest,
    aws: Aws,
    buckets: Sequence[BucketSource],
    tags: Collection[str],
    timeout: float,
) -> Iterator[Engine | None]:
    if request.spread is None:
        yield None
        return
    from checker.cli.fleet.spread import spread_engine

    with spread_engine(request.spread, aws, buckets, tags=tags, timeout=timeout) as engine:
        yield engine


def _refuse_states(request: FleetRequest, chosen: Sequence[tuple[str, str | None]]) -> None:
    """Raise UsageError if a report would replace a state or plan below a folder of the fleet."""
    folders = [
        os.path.realpath(each.path) for each in request.sources if isinstance(each, LocalSource)
    ]
    for _, file in chosen:
        if file is None or not os.path.isfile(file):  # noqa: PTH113 -- paths need not be UTF-8
            continue
        real = os.path.realpath(file)
        for folder in folders:
            if real != folder and not real.startswith(f"{folder.rstrip(os.sep)}{os.sep}"):
                continue
            below = os.path.relpath(real, folder).replace(os.sep, "/")
            item = Item(real, real, 0, is_certain(real))
            if real == folder or (
                request.selection.kind(below) is NameKind.STATE
                and not read_batch([item], lambda each: open_file(each.key), ()).others
            ):
                raise UsageError(
                    f"{file} is an input of this run",
                    where="--format",
                    remedy="nothing was written; give the output a name of its own",
                )


def _items(
    sources: tuple[FleetSource, ...], listing: FleetListing, stores: Stores | None
) -> Iterator[Item]:
    for source in sources:
        match source:
            case LocalSource():
                yield from listing.local(source)
            case BucketSource():
                assert stores is not None  # noqa: S101 -- there is a bucket
                number = stores.number(source)
                if source.is_prefix:
                    yield from listing.bucket(
                        source, stores.lists(source), number, alone=alone(source, sources)
                    )
                elif alone(source, sources) or listing.is_new_object(str(source)):
                    yield Item(str(source), source.key, 0, is_certain(source.key), number)


def _view(fleet: Fleet, request: FleetRequest) -> FleetView:
    sources = tuple(
        each.path if isinstance(each, LocalSource) else str(each) for each in request.sources
    )
    if request.group_by:
        return FleetView(read=fleet.read, sources=sources, group_by=request.group_by)
    return FleetView(read=fleet.read, sources=sources)


def _notice(fleet: Fleet, request: FleetRequest) -> str:
    """Return what was read and what was left out, in one line for every report."""
    count = len(request.sources)
    ours = len(fleet.documents)
    read = "1 state or plan was" if fleet.read == 1 else f"{fleet.read:,} states and plans were"
    text = (
        f"{read} read below {_number(count, 'source')}, "
        f"{ours:,} of them with stages or client certificates"
    )
    left = fleet.left_out
    parts = [
        (left.backups, "backup or old version", "backups or old versions"),
        (left.locks, "lock file", "lock files"),
        (left.excluded, "excluded file or folder", "excluded files or folders"),
        (left.others, "file of another name", "files of other names"),
        (fleet.other, "JSON file of another kind", "JSON files of another kind"),
        (left.folders, "folder of Terraform or git", "folders of Terraform or git"),
        (left.repeated, "reached twice", "reached twice"),
    ]
    said = [f"{each:,} {one if each == 1 else many}" for each, one, many in parts if each]
    return f"{text}; left out: {', '.join(said)}" if said else text


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
