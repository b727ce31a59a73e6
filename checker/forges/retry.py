"""Retry requests to a forge that fails or that asks for a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from checker.errors import TfcertError

T = TypeVar("T")
_REMEDY = "try again later; this changes nothing in the outcome"


def whole_seconds(header: str) -> int | None:
    """Return the number of a header such as Retry-After; None for anything but digits."""
    # int() raises ValueError for digits such as ², and for thousands of digits.
    return int(header[:15]) if header.isascii() and header.isdigit() else None


class BusyError(Exception):
    """The forge did not answer, or asked for a pause of `after` seconds; None if not specified."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """The limits of retries: `tries` in total, with pauses that double from `first` seconds.

    No pause is longer than `longest`, whatever the forge asks for.
    """

    tries: int = 5
    first: float = 1.0
    longest: float = 90.0
    sleep: Callable[[float], None] = time.sleep

    def ask(
        self, question: Callable[[], T], *, settled: Callable[[], T | None] = lambda: None
    ) -> T:
        """Repeat a request until there is an answer.

        `settled` checks, before each retry, whether the failed attempt took effect after all.
        Raises TfcertError if there is no answer in the end, or if the requested pause is too long.
        """
        for attempt in range(self.tries):
            try:
                return question()
            except BusyError as error:
                pause = error.after if error.after is not None else self.first * 2**attempt
                if pause > self.longest:
                    message = f"{error.reason}, and it asks for a pause of {pause:.0f} seconds"
                    raise TfcertError(message, remedy=_REMEDY) from error
                if attempt + 1 == self.tries:
                    raise TfcertError(
                        f"{error.reason}, {self.tries} times", remedy=_REMEDY
                    ) from error
                self.sleep(pause)
            result = settled()
            if result is not None:
                return result
        raise AssertionError("tries must be at least 1")
