"""Asks AWS without ever waiting longer than patience lasts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from checker.live.deadline import OverdueError, TimeBudget, start, within
from checker.live.gateway import Gateway, UnreachableError
from checker.live.question import Question

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A gateway, the region that is asked about, and the time that there is for it."""

    gateway: Gateway
    region: str
    patience: TimeBudget

    def ask(self, operation: str, work: Callable[[], T]) -> T:
        """Do work in a thread of its own; raises what it raises, or UnreachableError once patience has ended."""
        if not self.patience.left():
            raise self.overdue(operation)
        return self.wait_for(operation, start(work))

    def wait_for(self, operation: str, begun: Future[T]) -> T:
        """Likewise for work that was begun, perhaps for others as well."""
        try:
            return within(self.patience, begun)
        except OverdueError:
            raise self.overdue(operation) from None

    def overdue(self, operation: str) -> UnreachableError:
        """The error for an answer that did not come in time, or that nobody waited for any longer."""
        question = Question(operation=operation, region=self.region, endpoint=self.gateway.endpoint(self.region))
        if self.patience.interruption.wished:
            return UnreachableError(f"{question} was interrupted before it was answered", "run it again, and let it end")
        return UnreachableError(
            f"{question} was not answered within {self.patience.seconds:g} s",
            "check the network, the proxy settings and AWS_ENDPOINT_URL, or raise --timeout; --offline judges by recorded dates",
        )
