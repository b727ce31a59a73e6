"""How often, and how long apart, a forge is asked again that fails, or that asks for a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from checker.errors import TfcertError

T = TypeVar("T")
_REMEDY = "try again later; the outcome itself stands"


class BusyError(Exception):
    """The forge did not answer, or asked for a pause of `after` seconds; None where it named none."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """`tries` in all, with pauses that double from `first` seconds; none is longer than `longest`, whatever the forge asks for."""

    tries: int = 5
    first: float = 1.0
    longest: float = 90.0
    sleep: Callable[[float], None] = time.sleep

    def ask(
        self, question: Callable[[], T], *, settled: Callable[[], T | None] = lambda: None
    ) -> T:
        """Ask until there is an answer; `settled` tells, before each further try, whether a try that failed was heard after all.

        Raises TfcertError when it stays without one, or is asked to wait too long.
        """
        for attempt in range(self.tries):
            try:
                return question()
            except BusyError as error:
                pause = error.after if error.after is not None else self.first * 2**attempt
                if pause > self.longest:
                    message = f"{error.reason}, and a pause of {pause:.0f} seconds is asked for"
                    raise TfcertError(message, remedy=_REMEDY) from error
                if attempt + 1 == self.tries:
                    raise TfcertError(
                        f"{error.reason}, {self.tries} times", remedy=_REMEDY
                    ) from error
                self.sleep(pause)
            heard = settled()
            if heard is not None:
                return heard
        raise AssertionError("a patience of no tries")
