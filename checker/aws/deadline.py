"""Time budget, interruption."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any, TypeVar

from checker.aws.errors import Question
from checker.aws.gateway import Gateway, UnreachableError

T = TypeVar("T")

# What each answer of a long list adds to the time that is left, in seconds: a server that takes longer than that for every
# answer runs out of patience, one that lists five hundred APIs at nine a second does not.
EARNED = 1.0

INTERRUPTED = ("interrupted: what AWS had not answered by then is not verified",)


class Interruption:
    """A person's wish not to wait any longer, which ends all patience of a run at once."""

    def __init__(self) -> None:
        self._wished: Future[None] = Future()

    def wish(self) -> None:
        """End every wait; a second wish changes nothing."""
        if not self._wished.done():
            self._wished.set_result(None)

    @property
    def wished(self) -> bool:
        """Whether it was wished for."""
        return self._wished.done()

    def wait_besides(self, future: Future[T], seconds: float) -> None:
        """Wait for some work, for no longer than seconds, nor than until the wish."""
        either: list[Future[Any]] = [future, self._wished]
        wait(either, timeout=seconds, return_when=FIRST_COMPLETED)


class TimeBudget:
    """The time that is left for a number of questions: `seconds` in all, or more while answers keep coming.

    Only what is asked in many calls, surveys, drift and ACM, calls `answered`; then the end is never later than `seconds` after
    the last answer.
    """

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        interruption: Interruption | None = None,
    ) -> None:
        self.seconds = seconds
        self.interruption = interruption or Interruption()
        self._clock = clock
        self._until = clock() + seconds
        self._lock = Lock()

    def left(self) -> float:
        """Seconds until the end, 0 once it has come."""
        return 0.0 if self.interruption.wished else max(0.0, self._until - self._clock())

    def half(self) -> TimeBudget:
        """Half of the time that is left."""
        return TimeBudget(self.left() / 2, clock=self._clock, interruption=self.interruption)

    def answered(self) -> None:
        """Count an answer."""
        with self._lock:
            self._until = min(self._until + EARNED, self._clock() + self.seconds)


def gather(works: Sequence[Future[T]], interruption: Interruption) -> list[T]:
    """The results of works that heed an interruption: Ctrl-C, which only the main thread meets, ends them with what they have."""
    try:
        return [work.result() for work in works]
    except KeyboardInterrupt:
        interruption.wish()
        return [work.result() for work in works]


class OverdueError(Exception):
    """The time was over, or a person's patience, before the work was done."""


def start_thread(work: Callable[[], T]) -> Future[T]:
    """Do work in a thread that the interpreter does not wait for when it exits.

    An executor's threads are joined at exit, so a server that never answers would hang the command after its report.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - not swallowed: it is raised in whoever waits for the result
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def wait_for_result(patience: TimeBudget, future: Future[T]) -> T:
    """The result of work that was started, or its exception; OverdueError once patience has ended."""
    while not future.done():
        left = patience.left()
        if not left:
            raise OverdueError
        # Looked at again afterwards: answers may have moved the end meanwhile.
        patience.interruption.wait_besides(future, left)
    return future.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionalGateway:
    """A gateway, the region that is asked about, and the time that there is for it."""

    gateway: Gateway
    region: str
    patience: TimeBudget

    def ask(self, operation: str, work: Callable[[], T]) -> T:
        """Do work in a thread of its own; raises what it raises, or UnreachableError once patience has ended."""
        if not self.patience.left():
            raise self.overdue(operation)
        return self.wait_for(operation, start_thread(work))

    def wait_for(self, operation: str, begun: Future[T]) -> T:
        """Likewise for work that was begun, perhaps for others as well."""
        try:
            return wait_for_result(self.patience, begun)
        except OverdueError:
            raise self.overdue(operation) from None

    def overdue(self, operation: str) -> UnreachableError:
        """The error for an answer that did not come in time, or that nobody waited for any longer."""
        question = Question(
            operation=operation, region=self.region, endpoint=self.gateway.endpoint(self.region)
        )
        if self.patience.interruption.wished:
            return UnreachableError(
                f"{question} was interrupted before it was answered", "run it again, and let it end"
            )
        return UnreachableError(
            f"{question} was not answered within {self.patience.seconds:g} s",
            "check the network, the proxy settings and AWS_ENDPOINT_URL, or raise --timeout; --offline judges by recorded dates",
        )
