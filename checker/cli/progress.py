"""How far long work has come, for a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from checker.live.sweeping import Watch


class _Nobody:
    def expect(self, count: int) -> None:
        """Nobody looks."""

    def answered(self) -> None:
        """Nobody looks."""


class _Bar:
    """A bar whose length grows as more turns out to be there."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._total = 0
        self._lock = Lock()

    def expect(self, count: int) -> None:
        """Lengthen the bar."""
        with self._lock:
            self._total += count
            self._progress.update(self._task, total=self._total)

    def answered(self) -> None:
        """Move it on."""
        self._progress.update(self._task, advance=1)


@contextmanager
def watching() -> Iterator[Watch]:
    """A bar on stderr while the scan goes on, and nothing at all where that is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _Nobody()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("scanning"), BarColumn(), MofNCompleteColumn(), TextColumn("answers of AWS"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task("scan", total=None))
