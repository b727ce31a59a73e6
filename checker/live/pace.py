"""Keeps under the request quota that tfcert shares with whoever else works in the account."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

RATE = 9.0
BURST = 30


class Pace:
    """A token bucket for one account and region: so many requests a second, after a burst.

    A little under API Gateway's control-plane quota of 10 a second and a burst of 40, which Terraform needs too
    (`facts/performance.md` 5). Threads share it; each waits its own turn, outside the lock.
    """

    def __init__(
        self,
        *,
        rate: float = RATE,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(burst)
        self._at = clock()
        self._lock = Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
            self._at = now
            # Below zero the bucket has promised tokens that are still to come: this caller's is due that much later.
            due_in = -self._tokens / self._rate
        if due_in > 0:
            self._sleep(due_in)
