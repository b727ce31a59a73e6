"""Time budgets of AWS calls, and their interruption by Ctrl-C."""

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

# The seconds that each answer of a long list adds to the time left. A server that takes longer for
# every answer exceeds the budget; one that lists 500 APIs at 9 per second does not.
EARNED = 1.0

INTERRUPTED = ("interrupted: the calls that AWS had not answered are not verified",)


class Interruption:
    """The user's request to stop waiting; it ends all time budgets of a run at once."""

    def __init__(self) -> None:
        self._requested: Future[None] = Future()

    def request(self) -> None:
        """End every wait; a second call changes nothing."""
        if not self._requested.done():
            self._requested.set_result(None)

    @property
    def requested(self) -> bool:
        """Return whether the user asked to stop."""
        return self._requested.done()

    def wait_for_either(self, future: Future[T], seconds: float) -> None:
        """Wait for a future, at most `seconds` and no longer than until the interruption."""
        either: list[Future[Any]] = [future, self._requested]
        wait(either, timeout=seconds, return_when=FIRST_COMPLETED)


class TimeBudget:
    """The time left for a number of calls: `seconds` in all, or more while answers keep coming.

    Only code that makes many calls (surveys, drift, ACM) calls `answered`. Then the end is never
    later than `seconds` after the last answer.
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
        """Return the seconds until the end; 0 after it."""
        return 0.0 if self.interruption.requested else max(0.0, self._until - self._clock())

    def half(self) -> TimeBudget:
        """Return a budget with half of the time left."""
        return TimeBudget(self.left() / 2, clock=self._clock, interruption=self.interruption)

    def answered(self) -> None:
        """Count an answer, which extends the time."""
        with self._lock:
            self._until = min(self._until + EARNED, self._clock() + self.seconds)


def gather(works: Sequence[Future[T]], interruption: Interruption) -> list[T]:
    """Return the results of futures whose work stops at an interruption.

    Only the main thread gets Ctrl-C. It then ends the work, and each future returns what it has.
    """
    try:
        return [work.result() for work in works]
    except KeyboardInterrupt:
        interruption.request()
        return [work.result() for work in works]


class OverdueError(Exception):
    """The time ended, or the user interrupted, before the work was done."""


def start_thread(work: Callable[[], T]) -> Future[T]:
    """Run work in a thread that the interpreter does not wait for at exit.

    An executor joins its threads at exit, so a server that never answers would hang the command
    after its report.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def wait_for_result(budget: TimeBudget, future: Future[T]) -> T:
    """Return the result of started work, or raise its exception.

    Raises OverdueError when the time is over.
    """
    while not future.done():
        left = budget.left()
        if not left:
            raise OverdueError
        # Checked again afterwards: answers may have moved the end meanwhile.
        budget.interruption.wait_for_either(future, left)
    return future.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionalGateway:
    """A gateway, its region, and its time budget."""

    gateway: Gateway
    region: str
    budget: TimeBudget

    def ask(self, operation: str, work: Callable[[], T]) -> T:
        """Run work in a new thread and return its result.

        Raises the exceptions of the work, and UnreachableError when the time is over.
        """
        if not self.budget.left():
            raise self.overdue(operation)
        return self.wait_for(operation, start_thread(work))

    def wait_for(self, operation: str, begun: Future[T]) -> T:
        """Wait for started work, which may be shared with other callers; raises as `ask` does."""
        try:
            return wait_for_result(self.budget, begun)
        except OverdueError:
            raise self.overdue(operation) from None

    def overdue(self, operation: str) -> UnreachableError:
        """Return the error for an answer that was late or that the user interrupted."""
        question = Question(
            operation=operation, region=self.region, endpoint=self.gateway.endpoint(self.region)
        )
        if self.budget.interruption.requested:
            return UnreachableError(
                f"{question} was interrupted before it was answered",
                "run it again without interrupting it",
            )
        return UnreachableError(
            f"{question} was not answered within {self.budget.seconds:g} s",
            "check the network, the proxy settings and AWS_ENDPOINT_URL, or raise --timeout; "
            "or use the dates in state with --offline",
        )
