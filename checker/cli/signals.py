"""The signals that end a run: Ctrl-C, SIGTERM and SIGHUP. They wait during file replacement."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class _Received:
    """The first signal of this process, whether signals wait, and whether the user was notified.

    `pending`: a signal came after the notification, or without one.
    """

    def __init__(self) -> None:
        self.first: int | None = None
        self.pending = False
        self.waits = 0
        self.reported = False


_received = _Received()


def listen() -> None:
    """Turn each of the signals into a KeyboardInterrupt.

    A signal that the caller ignores, as nohup does, stays ignored.
    """
    for number in _ENDING:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _receive)


def ignore() -> None:
    """Ignore all signals from now on: the run has ended and only reports this."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def _receive(number: int, _frame: FrameType | None) -> None:
    if _received.first is None:
        _received.first = number
    _received.pending = True
    if not _received.waits:
        raise KeyboardInterrupt


@contextmanager
def waiting() -> Iterator[None]:
    """Make signals wait inside this block.

    `obey` raises them at points where the files are in a consistent state.
    """
    _received.waits += 1
    try:
        yield
    finally:
        _received.waits -= 1


def received() -> bool:
    """Return whether a signal was received."""
    return _received.first is not None


def obey() -> None:
    """Raise KeyboardInterrupt if a signal was received."""
    if received():
        raise KeyboardInterrupt


def obey_pending() -> None:
    """Raise KeyboardInterrupt if a signal came and the user does not know of it yet.

    A run that has notified the user still writes its report of the answers until then.
    """
    if _received.pending:
        raise KeyboardInterrupt


def exit_code() -> int:
    """Return the exit code of an interrupted run: 128 plus the signal's number, as in shells."""
    return 128 + (_received.first if _received.first is not None else signal.SIGINT)


def report_interruption(what: str | None = None) -> None:
    """Print once on stderr that the run was interrupted, with `what`; the terminal may be gone."""
    _received.pending = False
    if _received.reported:
        return
    _received.reported = True
    number = _received.first
    by = "" if number in (None, signal.SIGINT) else f" by {signal.Signals(number).name}"
    with suppress(OSError, ValueError):
        print(f"tfcert: interrupted{by}{f': {what}' if what else ''}", file=sys.stderr, flush=True)
