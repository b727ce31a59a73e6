"""The emulator's clock: it runs with the world's, stands where it is put, and moves when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """What the emulator takes for now, in UTC; dates of certificates and stages come from it.

    It runs until `set` stops it at an instant; `advance` moves it in either state, and `run` gives it the world's time again.
    """

    def __init__(self) -> None:
        self._stands_at: datetime | None = None
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The instant that the clock shows, in UTC."""
        if self._stands_at is not None:
            return self._stands_at
        return datetime.now(UTC) + self._ahead

    def set(self, instant: datetime) -> None:
        """Stop the clock at an instant; one without a time zone is refused with ValueError."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant.isoformat()} names no time zone")
        self._stands_at = instant.astimezone(UTC)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Move the clock, backwards where the sum is negative, and say what it shows then."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if self._stands_at is not None:
            self._stands_at += step
        else:
            self._ahead += step
        return self.now()

    def run(self) -> None:
        """Show the world's time again, and run with it."""
        self._stands_at = None
        self._ahead = timedelta()
