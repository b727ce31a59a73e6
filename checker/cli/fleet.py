"""`--states`: what a user asked for, the reading with its progress, and the notice about it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.cli import output, signals
from checker.cli.aws import Aws
from checker.cli.children import own_environment
from checker.cli.load import read_stdin
from checker.errors import UnreadableError, UsageError
from checker.files import open_file
from checker.fleet.collect import Fleet, FleetProgress, collect
from checker.fleet.listing import FleetListing, alone
from checker.fleet.read import Item, read_batch
from checker.fleet.selection import NameKind, NameSelection, is_certain
from checker.fleet.sources import (
    BucketSource,
    FleetSource,
    LocalSource,
    parse_source,
    read_list,
)
from checker.fleet.stores import S3Keys, S3Place, Stores, require_library
from checker.model.inventory import Inventory
from checker.pipeline import Loaded

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY = 10.0


class FleetRequest(Struct, frozen=True, kw_only=True):
    """The sources and the selection of --states."""

    sources: tuple[FleetSource, ...]
    selection: NameSelection


class LoadedFleet(Struct, frozen=True, kw_only=True):
    """What was read; after an interruption AWS is not asked."""

    loaded: Loaded
    interrupted: bool


def parse_request(
    sources: Sequence[str],
    *,
    sources_from: str | None,
    null: bool,
    include: Sequence[str],
    exclude: Sequence[str],
) -> FleetRequest:
    """Parse the sources of --states, and read the list of --sources-from.

    Raises UsageError for a source that cannot be meant, and if a source needs a package that is
    not installed.
    """
    if null and sources_from is None:
        raise UsageError(
            "no option names a list of sources", where="-0", remedy="give --sources-from FILE, or -"
        )
    listed: tuple[str, ...] = ()
    if sources_from is not None:
        data = read_stdin() if sources_from == "-" else open_file(sources_from)
        listed = read_list(data, where=f"--sources-from {sources_from}", zero=null)
    given = (*sources, *listed)
    found = tuple(dict.fromkeys(map(parse_source, given or (".",))))
    require_library([each for each in found if isinstance(each, BucketSource)])
    return FleetRequest(
        sources=found, selection=NameSelection(include=tuple(include), exclude=tuple(exclude))
    )


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
    buckets = [each for each in request.sources if isinstance(each, BucketSource)]
    stores = Stores(buckets, _S3(aws), tags=tags, timeout=timeout) if buckets else None
    listing = FleetListing(request.selection)
    with _progress(verbose=verbose) as watch:
        fleet = collect(
            _items(request.sources, listing, stores),
            listing,
            remote=stores,
            tags=tags,
            environment=own_environment(os.environ),
            watch=watch,
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
    )


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
                and not read_batch([item], lambda each: open_file(each.key), ()).other
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


# How long obstore may keep credentials. boto3 renews its own 15 minutes before they end.
_KEPT = timedelta(minutes=5)


class _S3:
    """The access to S3 that boto3 gives to the fleet."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def place(self, bucket: str) -> S3Place:
        """Return where a bucket is."""
        from checker.aws.s3 import bucket_place

        with self._unreadable():
            found = bucket_place(bucket, self._aws.gateways().clients)
        return S3Place(region=found.region, endpoint=found.endpoint, authorities=found.authorities)

    def keys(self, region: str) -> S3Keys:
        """Return credentials that are valid now."""
        with self._unreadable():
            found = self._aws.gateways().clients.keys(region)
        return S3Keys(
            key=found["aws_access_key_id"],
            secret=found["aws_secret_access_key"],
            token=found.get("aws_session_token"),
            until=datetime.now(UTC) + _KEPT,
        )

    def fetch(self, url: str) -> bytes:
        """Return the bytes of one object, without obstore."""
        return self._aws.fetch(url)

    @contextmanager
    def _unreadable(self) -> Iterator[None]:
        from checker.aws.gateway import GatewayError

        try:
            yield
        except GatewayError as error:
            why = error.unanswered
            raise UnreadableError(why.reason, remedy=why.remedy) from error


class _Lines:
    """One line on stderr every ten seconds; with `shown` unset, nothing."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._start = self._last = time.monotonic()
        self._expected = self._done = 0
        self._complete = False

    def expect(self, count: int) -> None:
        """Add to the number of states that were listed."""
        self._expected += count

    def listed(self) -> None:
        """Note that the listing has ended."""
        self._complete = True

    def advance(self, count: int) -> None:
        """Add to the number of states that were read."""
        self._done += count
        self.tick()

    def tick(self) -> None:
        """Print a line if the last one is old enough."""
        now = time.monotonic()
        if not self._shown or now - self._last < _EVERY:
            return
        self._last = now
        rate = self._done / (now - self._start)
        more = "" if self._complete else " or more"
        left = (
            f", {(self._expected - self._done) / rate:.0f} s left"
            if self._complete and rate
            else ""
        )
        output.warn(
            f"read {self._done:,} of {self._expected:,}{more} states, {rate:,.0f} a second{left}"
        )


class _FleetBar:
    """A bar with rate and remaining time on a terminal."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._expected = self._done = 0
        self._complete = False
        self._start = time.monotonic()
        self._lock = Lock()

    def expect(self, count: int) -> None:
        """Add to the number of states that were listed."""
        with self._lock:
            self._expected += count
            self._progress.update(self._task, total=self._expected)

    def listed(self) -> None:
        """Note that the listing has ended."""
        self._complete = True

    def advance(self, count: int) -> None:
        """Add to the number of states that were read."""
        self._done += count
        rate = self._done / max(time.monotonic() - self._start, 0.001)
        left = (self._expected - self._done) / rate if self._complete else None
        self._progress.update(
            self._task,
            advance=count,
            rate=f"{rate:,.0f}/s",
            left="listing" if left is None else f"{left:.0f} s left",
        )

    def tick(self) -> None:
        """Do nothing: the bar refreshes itself."""


@contextmanager
def _progress(*, verbose: bool) -> Iterator[FleetProgress]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield _Lines(shown=verbose)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("states"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("fleet", total=None, rate="", left="listing")
        yield _FleetBar(progress, task)
