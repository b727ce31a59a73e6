"""Read batches in this process, in threads of it, and in processes of their own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import IO

from msgspec import Struct

from checker.errors import UnreadableError
from checker.files import open_file
from checker.fleet.read import BatchRead, Item, read_batch, unread_item
from checker.fleet.versions import settled_version
from checker.terraform.decode import Buffer

_LENGTH = 8


class BatchDone(Struct, frozen=True):
    """A batch that was read; `error` is a fault of tfcert itself."""

    items: tuple[Item, ...]
    result: BatchRead
    error: BaseException | None = None


class Crew:
    """Threads that take batches and put results; each reads by a function of its own.

    The threads are not waited for at exit, so a server that never answers delays nothing.
    """

    def __init__(
        self,
        count: int,
        reader: Callable[[], Callable[[Sequence[Item]], BatchRead]],
        results: SimpleQueue[BatchDone],
    ) -> None:
        self._batches: SimpleQueue[tuple[Item, ...] | None] = SimpleQueue()
        self._results = results
        self._reader = reader
        self.count = count
        for _ in range(count):
            Thread(target=self._work, daemon=True).start()

    def submit(self, batch: tuple[Item, ...]) -> None:
        """Have a batch read."""
        self._batches.put(batch)

    def close(self) -> None:
        """End every thread after its present batch."""
        for _ in range(self.count):
            self._batches.put(None)

    def _work(self) -> None:
        read = self._reader()
        while (batch := self._batches.get()) is not None:
            try:
                done = BatchDone(batch, read(batch))
            except Exception as error:  # noqa: BLE001 -- raised again in the main thread
                done = BatchDone(batch, BatchRead(), error)
            self._results.put(done)
        read([])


def read_files(batch: Sequence[Item], tags: Collection[str]) -> BatchRead:
    """Read a batch of files in this process."""
    return read_batch(batch, _open, tags, settled_version)


def _open(item: Item) -> Buffer:
    return open_file(item.key)


class ReaderProcess:
    """A process that reads batches of files; started at its first batch, again if it dies.

    It is not in the terminal's foreground, so Ctrl-C reaches only this process. It ends when its
    standard input does, however this process ends.
    """

    def __init__(self, environment: Mapping[str, str], tags: Collection[str]) -> None:
        self._environment = environment
        self._tags = tuple(sorted(tags))
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, batch: Sequence[Item]) -> BatchRead:
        """Read a batch; an empty one ends the process.

        A file whose reading kills the process, such as for lack of memory, is named as unread.
        """
        if not batch:
            self._end()
            return BatchRead()
        found = self._ask(batch)
        if found is not None:
            return found
        if len(batch) == 1:
            error = UnreadableError(
                "the process that read it was killed, perhaps for lack of memory",
                remedy="read it by itself where there is more memory",
            )
            return BatchRead(unread=[unread_item(batch[0], error)])
        result = BatchRead()
        for item in batch:
            result.add(self([item]))
        return result

    def _ask(self, batch: Sequence[Item]) -> BatchRead | None:
        """Return the result of a batch, or None if the process died over it."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101,PT018
        try:
            send(process.stdin, (tuple(batch), self._tags))
            found = receive(process.stdout)
        except OSError:
            found = None
        if not isinstance(found, BatchRead):
            self._end()
            return None
        return found

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # The arguments are fixed; the batch goes over standard input.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "checker.fleet.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # It writes only if it dies, and then its file is named.
                stderr=subprocess.DEVNULL,
                env=dict(self._environment),
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    try:
                        stream.close()
                    except OSError:
                        continue


def send(stream: IO[bytes], value: object) -> None:
    """Write one value to the other process."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(len(data).to_bytes(_LENGTH, "big") + data)
    stream.flush()


def receive(stream: IO[bytes]) -> object:
    """Read one value of the other process; None if it has ended.

    Both processes are of one run, so the pickle is trusted.
    """
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    return pickle.loads(data) if len(data) == size else None  # noqa: S301


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
