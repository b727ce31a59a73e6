"""`python -m checker.fleet.worker`: read batches of files for a run of tfcert."""

from __future__ import annotations

import gc
import signal
import sys
from typing import cast

from checker.fleet.read import Item
from checker.fleet.workers import read_files, receive, send

# Reading makes few reference cycles.
_OBJECTS = 100_000


def main() -> None:
    """Read batches from standard input until it ends, and write what is kept of each."""
    gc.set_threshold(_OBJECTS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while (batch := receive(sys.stdin.buffer)) is not None:
        items, tags = cast("tuple[tuple[Item, ...], tuple[str, ...]]", batch)
        send(sys.stdout.buffer, read_files(items, tags))


if __name__ == "__main__":
    main()
