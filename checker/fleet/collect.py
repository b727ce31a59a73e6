"""Read all states of a fleet, and put together what is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from queue import Empty, Queue, SimpleQueue
from threading import Event, Thread
from typing import Protocol

from msgspec import Struct

from checker.fleet.cache import FleetCache
from checker.fleet.listing import FleetListing, LeftOut
from checker.fleet.read import BatchRead, Item
from checker.fleet.workers import BatchDone, Crew, ReaderProcess, processors, read_files
from checker.model.inventory import Document, Unread

# A batch is long enough that passing it on costs little, and short enough for the progress.
_BATCH_FILES, _BATCH_BYTES = 64, 16 * 1024**2
# Below this size, starting a process takes longer than reading.
_ALONE_BYTES = 64 * 1024**2
# How far the listing is ahead of the reading, so that the time left can be shown.
_AHEAD = 1_000
# The bytes that are read at one time.
_IN_FLIGHT_BYTES = 256 * 1024**2
# How many states that the cache knows are passed on together.
_KNOWN = 1_000
_TICK = 0.1


class FleetProgress(Protocol):
    """Who shows the progress of a fleet."""

    def expect(self, count: int) -> None:
        """Add to the number of states that were listed."""

    def listed(self) -> None:
        """Note that the listing has ended."""

    def advance(self, count: int) -> None:
        """Add to the number of states that were read."""

    def tick(self) -> None:
        """Note that time passes."""


class Fleet(Struct, frozen=True, kw_only=True):
    """All that was read: documents with something of ours, and what could not be read.

    `read` counts states and plans, `other` JSON files that are neither.
    """

    documents: tuple[Document, ...]
    unread: tuple[Unread, ...]
    left_out: LeftOut
    read: int
    other: int
    interrupted: bool = False


class Engine(Protocol):
    """What reads batches outside this process; the results come in any order.

    `submit` raises UsageError if it is lost, `check` too.
    """

    results: SimpleQueue[BatchDone]

    def capacity(self) -> int:
        """Return how many batches keep it busy."""

    def submit(self, batch: tuple[Item, ...]) -> None:
        """Have a batch read."""

    def check(self) -> None:
        """Raise UsageError if it does not answer any more."""


class Remote(Protocol):
    """What reads objects of buckets: a batch at a time, from many threads."""

    threads: int

    def read(self, batch: Sequence[Item]) -> BatchRead:
        """Read a batch."""


def collect(
    items: Iterator[Item],
    listing: FleetListing,
    *,
    remote: Remote | None,
    tags: Collection[str],
    environment: Mapping[str, str],
    watch: FleetProgress,
    processes: int | None = None,
    engine: Engine | None = None,
    cache: FleetCache | None = None,
) -> Fleet:
    """Read every item; the result does not depend on the order or on who read it.

    An interruption ends the reading: what was not read by then is named as one. With an engine, it
    reads everything but what the cache knows.
    """
    count = processors() if processes is None else processes
    run = _Run(remote, tags, environment, watch, count, engine, cache)
    lister = _Lister(items, watch, cache, together=engine is not None)
    interrupted = False
    try:
        run.all(lister)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        lister.stop.set()
        run.close()
    if lister.error is not None:
        raise lister.error
    unread = [*listing.unread, *run.result.unread]
    if interrupted:
        unread.append(
            Unread(
                path="the rest of the fleet",
                reason=f"the run was interrupted after {run.result.read} states",
                remedy="run it again without interrupting it",
            )
        )
    return Fleet(
        documents=tuple(sorted(run.result.documents, key=lambda each: each.source.path)),
        unread=tuple(sorted(unread, key=lambda each: (each.path, each.reason))),
        left_out=listing.left_out,
        read=run.result.read,
        other=len(run.result.others),
        interrupted=interrupted,
    )


class _Lister:
    """The listing in a thread of its own, a bounded number of batches ahead."""

    def __init__(
        self,
        items: Iterator[Item],
        watch: FleetProgress,
        cache: FleetCache | None,
        *,
        together: bool,
    ) -> None:
        self.batches: Queue[tuple[Item, ...] | _Known | None] = Queue(_AHEAD)
        self.stop = Event()
        self.error: BaseException | None = None
        self._items = items
        self._watch = watch
        self._cache = cache
        self._together = together
        Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            for batch in _batched(self._unknown(), together=self._together):
                if self.stop.is_set():
                    return
                self._watch.expect(len(batch))
                self.batches.put(batch)
        except Exception as error:  # noqa: BLE001 -- raised again in the main thread
            self.error = error
        self._watch.listed()
        self.batches.put(None)

    def _unknown(self) -> Iterator[Item]:
        """Yield what the cache does not know; the rest is passed on in large pieces."""
        known = _Known()
        for item in self._items:
            if self._cache is None or not self._cache.find(item, known.result):
                yield item
                continue
            known.count += 1
            if known.count == _KNOWN:
                self._pass_on(known)
                known = _Known()
            if self.stop.is_set():
                break
        self._pass_on(known)

    def _pass_on(self, known: _Known) -> None:
        self._watch.expect(known.count)
        self.batches.put(known)


class _Known:
    """What the cache knows of some items."""

    def __init__(self) -> None:
        self.result = BatchRead()
        self.count = 0


def _batched(items: Iterator[Item], *, together: bool) -> Iterator[tuple[Item, ...]]:
    """Yield items in batches by size; unless `together`, each object of a bucket by itself."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if not together and not item.is_file:
            yield (item,)
            continue
        batch.append(item)
        size += item.size
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


class _Run:
    """The reading of one fleet."""

    def __init__(
        self,
        remote: Remote | None,
        tags: Collection[str],
        environment: Mapping[str, str],
        watch: FleetProgress,
        processes: int,
        engine: Engine | None,
        cache: FleetCache | None,
    ) -> None:
        self.result = BatchRead()
        self._remote = remote
        self._tags = tags
        self._environment = environment
        self._watch = watch
        self._processes = processes
        self._engine = engine
        self._cache = cache
        self._results: SimpleQueue[BatchDone] = SimpleQueue() if engine is None else engine.results
        self._crews: dict[bool, Crew] = {}
        self._batches = 0
        self._bytes = 0
        self._alone = 0

    def all(self, lister: _Lister) -> None:
        """Read every batch of the listing."""
        while True:
            try:
                batch = lister.batches.get(timeout=_TICK)
            except Empty:
                self._drain()
                continue
            if batch is None:
                break
            if isinstance(batch, _Known):
                self.result.add(batch.result)
                self._watch.advance(batch.count)
                continue
            self._start(batch)
            self._drain()
        while self._batches:
            self._wait()

    def close(self) -> None:
        """End the threads and processes."""
        for crew in self._crews.values():
            crew.close()

    def _start(self, batch: tuple[Item, ...]) -> None:
        size = sum(item.size for item in batch)
        if self._engine is not None:
            while self._batches >= self._engine.capacity():
                self._wait()
            self._engine.submit(batch)
            self._batches += 1
            self._bytes += size
            return
        local = batch[0].is_file
        if local and (self._processes < 2 or self._alone + size <= _ALONE_BYTES):
            self._alone += size
            self._keep(batch, read_files(batch, self._tags))
            return
        crew = self._crew(local)
        most = 4 * crew.count
        while self._batches and (self._batches >= most or self._bytes + size > _IN_FLIGHT_BYTES):
            self._wait()
        self._batches += 1
        self._bytes += size
        crew.submit(batch)

    def _crew(self, local: bool) -> Crew:  # noqa: FBT001
        if local not in self._crews:
            if local:
                self._crews[local] = Crew(self._processes, self._reader, self._results)
            else:
                remote = self._remote
                assert remote is not None  # noqa: S101 -- an object has a store
                self._crews[local] = Crew(remote.threads, lambda: remote.read, self._results)
        return self._crews[local]

    def _reader(self) -> Callable[[Sequence[Item]], BatchRead]:
        return ReaderProcess(self._environment, self._tags)

    def _drain(self) -> None:
        """Keep what is ready, without waiting."""
        while self._batches:
            try:
                self._finish(self._results.get_nowait())
            except Empty:
                break
        self._watch.tick()

    def _wait(self) -> None:
        """Wait for one batch; shortly, so that a signal is noticed."""
        try:
            self._finish(self._results.get(timeout=_TICK))
        except Empty:
            self._watch.tick()
            if self._engine is not None:
                self._engine.check()

    def _finish(self, done: BatchDone) -> None:
        self._batches -= 1
        self._bytes -= sum(item.size for item in done.items)
        if done.error is not None:
            raise done.error
        self._keep(done.items, done.result)

    def _keep(self, items: tuple[Item, ...], result: BatchRead) -> None:
        self.result.add(result)
        if self._cache is not None:
            self._cache.keep(items, result)
        self._watch.advance(len(items))
