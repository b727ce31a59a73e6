"""The progress of a fleet: a bar on a terminal, else a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from checker.cli import output
from checker.fleet.collect import FleetProgress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY = 10.0


class _Lines:
    """One line on stderr every ten seconds; with `shown` unset, nothing."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._start = self._last = time.monotonic()
        self._expected = self._done = 0
        self._complete = False

    def expect(self, count: int) -> None:
        """Add to the number of states that were listed."""
        self._expected += count

    def listed(self) -> None:
        """Note that the listing has ended."""
        self._complete = True

    def advance(self, count: int) -> None:
        """Add to the number of states that were read."""
        self._done += count
        self.tick()

    def tick(self) -> None:
        """Print a line if the last one is old enough."""
        now = time.monotonic()
        if not self._shown or now - self._last < _EVERY:
            return
        self._last = now
        rate = self._done / (now - self._start)
        more = "" if self._complete else " or more"
        left = (
            f", {(self._expected - self._done) / rate:.0f} s left"
            if self._complete and rate
            else ""
        )
        output.warn(
            f"read {self._done:,} of {self._expected:,}{more} states, {rate:,.0f} a second{left}"
        )


class _FleetBar:
    """A bar with rate and remaining time on a terminal."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._expected = self._done = 0
        self._complete = False
        self._start = time.monotonic()
        self._lock = Lock()

    def expect(self, count: int) -> None:
        """Add to the number of states that were listed."""
        with self._lock:
            self._expected += count
            self._progress.update(self._task, total=self._expected)

    def listed(self) -> None:
        """Note that the listing has ended."""
        self._complete = True

    def advance(self, count: int) -> None:
        """Add to the number of states that were read."""
        self._done += count
        rate = self._done / max(time.monotonic() - self._start, 0.001)
        left = (self._expected - self._done) / rate if self._complete else None
        self._progress.update(
            self._task,
            advance=count,
            rate=f"{rate:,.0f}/s",
            left="listing" if left is None else f"{left:.0f} s left",
        )

    def tick(self) -> None:
        """Do nothing: the bar refreshes itself."""


@contextmanager
def fleet_progress(*, verbose: bool) -> Iterator[FleetProgress]:
    """Show the progress on stderr; off a terminal, only if `verbose` is set."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _Lines(shown=verbose)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("states"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("fleet", total=None, rate="", left="listing")
        yield _FleetBar(progress, task)
