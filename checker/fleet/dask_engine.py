"""Read batches on the workers of a Dask cluster; a cluster that does not answer ends the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from uuid import uuid4

from checker.errors import UnreadableError, UsageError
from checker.fleet.read import BatchRead, Item, unread_item
from checker.fleet.task import Parcel, is_own, own_version, unpack
from checker.fleet.workers import BatchDone

if TYPE_CHECKING:
    from distributed import Client, Future, Security

# How long a cluster may take to connect, and to say which tfcert it has.
_CONNECT, _WORKERS, _ASK = 20.0, 60.0, 20.0
# How long the scheduler may be silent, and how long there may be no worker.
SILENCE = 60.0
_HEARTBEAT = 2.0
# How often Dask runs a task again that raised; those of a worker that died are counted apart.
_RETRIES = 2
# Batches for each thread of the workers: one is read, and the next are there already.
_AHEAD = 4
_TICK = 0.1

T = TypeVar("T")
# Only this folder knows the library.
DaskClient: TypeAlias = "Client"


def connect(address: str, security: Security | None = None) -> Client:
    """Connect to a scheduler; raises UsageError if none answers, or if it has no worker."""
    quiet()
    from distributed import Client

    remedy = "check the address, the network and Dask's TLS configuration"
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False, security=security)
    except (OSError, TimeoutError) as error:
        raise UsageError("no Dask scheduler answers there", where=address, remedy=remedy) from error
    except (TypeError, ValueError, RuntimeError, ImportError) as error:
        text = f"cannot be used: {error}"
        raise UsageError(text, where=address, remedy=remedy) from error
    try:
        client.wait_for_workers(1, timeout=_WORKERS)
    except (OSError, TimeoutError) as error:
        raise UsageError(
            "the Dask cluster has no worker", where=address, remedy="start workers, then run again"
        ) from error
    return client


def quiet() -> None:
    """Keep the log of Dask's own client off stderr: tfcert says itself what failed."""
    import logging
    import warnings

    import distributed  # noqa: F401 -- it sets up its log when it is imported

    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] in {"distributed", "tornado", "asyncio"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # Dask warns of other versions of its own libraries; tasks need none of them.
    warnings.filterwarnings("ignore", module="distributed")


class DaskEngine:
    """Batches as tasks of Dask: their results come back in any order.

    A worker that dies costs time only: Dask gives its tasks to others. A file whose reading ends
    one worker after the other is named as unread.
    """

    def __init__(
        self,
        client: Client,
        *,
        name: str,
        function: Callable[[Parcel], Parcel],
        task: Callable[[tuple[Item, ...]], Parcel],
    ) -> None:
        from distributed import as_completed

        self.results: SimpleQueue[BatchDone] = SimpleQueue()
        self._client = client
        self._name = name
        self._function = function
        self._task = task
        self._run = uuid4().hex
        self._number = 0
        self._parts: dict[str, _Part] = {}
        self._lock = Lock()
        self._closed = Event()
        self._done = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self._answered = self._manned = time.monotonic()
        self._threads = 1
        self._refuse_others()
        self._count(client.nthreads())
        for work in (self._collect, self._watch):
            Thread(target=work, daemon=True).start()

    def capacity(self) -> int:
        """Return how many batches keep the workers busy."""
        return _AHEAD * self._threads

    def submit(self, batch: tuple[Item, ...]) -> None:
        """Have a batch read; raises UsageError if the cluster does not answer."""
        self.check()
        self._submit(batch, _Whole(batch))

    def check(self) -> None:
        """Raise UsageError if the scheduler or all workers have not answered for a minute."""
        now = time.monotonic()
        if self._client.status != "running":
            raise self._lost()
        if now - self._answered > SILENCE:
            raise UsageError(
                f"the Dask scheduler has not answered for {SILENCE:.0f} seconds",
                where=self._name,
                remedy="run it again when it answers; nothing was judged",
            )
        if now - self._manned > SILENCE:
            raise UsageError(
                f"the Dask cluster has had no worker for {SILENCE:.0f} seconds",
                where=self._name,
                remedy="start workers, then run it again; nothing was judged",
            )

    def close(self) -> None:
        """Give up all tasks and leave the cluster, in a bounded time."""
        self._closed.set()
        bounded(lambda: self._client.close(timeout=2), 5.0)

    def _submit(self, items: tuple[Item, ...], whole: _Whole) -> None:
        with self._lock:
            self._number += 1
            key = f"tfcert-{self._run}-{self._number}"
        try:
            future = self._client.submit(
                self._function, self._task(items), key=key, pure=False, retries=_RETRIES
            )
        except (OSError, RuntimeError, ValueError) as error:
            # The client refuses tasks once it has lost its scheduler.
            raise self._lost() from error
        with self._lock:
            self._parts[key] = _Part(items, whole)
        self._done.add(future)

    def _collect(self) -> None:
        while not self._closed.is_set():
            try:
                future, result = self._done.next()
            except StopIteration:
                self._closed.wait(_TICK)
                continue
            with self._lock:
                part = self._parts.pop(future.key)
            try:
                self._finish(part, future, result)
            except Exception as error:  # noqa: BLE001 -- raised again in the main thread
                self.results.put(BatchDone(part.whole.items, BatchRead(), error))

    def _finish(self, part: _Part, future: Future[Any], result: object) -> None:
        from distributed.scheduler import KilledWorker

        error = result[1] if future.status == "error" and isinstance(result, tuple) else result
        match error:
            case Parcel() if is_own(error):
                read = unpack(error)
                assert isinstance(read, BatchRead)  # noqa: S101 -- this version packed it
                self._keep(part, read)
            case Parcel():
                raise self._other({error.worker: error.version.partition("+")[0]})
            case KilledWorker() if len(part.items) > 1:
                part.whole.left += len(part.items) - 1
                for item in part.items:
                    self._submit((item,), part.whole)
            case KilledWorker():
                killed = UnreadableError(
                    "the process that read it was killed, perhaps for lack of memory",
                    remedy="read it by itself where there is more memory",
                )
                self._keep(part, BatchRead(unread=[unread_item(part.items[0], killed)]))
            case _ if future.status == "error":
                # An older tfcert may not have this task at all.
                self._refuse_others()
                raise UsageError(
                    f"a worker failed: {type(error).__name__}: {error}",
                    where=self._name,
                    remedy="install tfcert[fleet] in the environment of the workers",
                )
            case _:
                raise self._lost()

    def _keep(self, part: _Part, read: BatchRead) -> None:
        whole = part.whole
        whole.result.add(read)
        whole.left -= 1
        if not whole.left:
            self.results.put(BatchDone(whole.items, whole.result))

    def _watch(self) -> None:
        """Ask the scheduler for its workers; a question without an answer waits in this thread."""
        while not self._closed.wait(_HEARTBEAT):
            try:
                self._count(self._client.nthreads())
            except Exception:  # noqa: BLE001,S112 -- `check` notices that nothing was counted
                continue

    def _count(self, threads: dict[str, int]) -> None:
        self._answered = time.monotonic()
        if threads:
            self._manned = self._answered
            self._threads = sum(threads.values())

    def _refuse_others(self) -> None:
        """Raise UsageError if a worker says that it has another tfcert; one that joins says later.

        The question needs nothing of tfcert there.
        """
        from importlib.metadata import PackageNotFoundError, version

        def ask() -> dict[str, object]:
            return dict(self._client.run(version, "tfcert", on_error="return"))

        found = bounded(ask, _ASK) or {}
        wrong = {
            worker: "none" if isinstance(said, PackageNotFoundError) else str(said)
            for worker, said in found.items()
            if isinstance(said, PackageNotFoundError)
            or (isinstance(said, str) and said != own_version())
        }
        if wrong:
            raise self._other(wrong)

    def _other(self, wrong: dict[str, str]) -> UsageError:
        named = ", ".join(f"{worker} has {said}" for worker, said in sorted(wrong.items()))
        return UsageError(
            f"workers have another tfcert than this one, {own_version()}: {named}",
            where=self._name,
            remedy=f"install tfcert {own_version()} on them; nothing was judged",
        )

    def _lost(self) -> UsageError:
        return UsageError(
            "the connection to the Dask scheduler was lost",
            where=self._name,
            remedy="run it again when it answers; nothing was judged",
        )


class _Whole:
    """A batch, which may have been divided: what was read of it, and how many parts are left."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self.items = items
        self.result = BatchRead()
        self.left = 1


class _Part:
    """One task: a batch or a part of it."""

    def __init__(self, items: tuple[Item, ...], whole: _Whole) -> None:
        self.items = items
        self.whole = whole


def bounded(ask: Callable[[], T], seconds: float) -> T | None:
    """Return the answer to a question of Dask; None if there is none in that time, or an error."""
    found: list[T] = []

    def run() -> None:
        try:
            found.append(ask())
        except Exception:  # noqa: BLE001 -- the caller goes on without an answer
            return

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None
