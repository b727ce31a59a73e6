"""Where a run's text goes: the report to stdout or its file, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from checker.domain.errors import UsageError
from checker.domain.observation import Calls
from checker.domain.outcome import UNVERIFIED, Outcome
from checker.domain.place import Place
from checker.reports import FORMATS
from checker.reports.printable import printable


def formats(wanted: Sequence[str] | None) -> tuple[tuple[str, str | None], ...]:
    """The formats asked for as `NAME` or `NAME=FILE`; raises UsageError for an unknown one, or for two on stdout."""
    chosen: list[tuple[str, str | None]] = []
    for text in wanted or ("text",):
        name, _, file = text.partition("=")
        if name not in FORMATS:
            raise UsageError(f"unknown format {name!r}", where="--format", remedy=f"known: {', '.join(FORMATS)}")
        chosen.append((name, file or None))
    if sum(file is None for _, file in chosen) > 1:
        raise UsageError("two formats for one stdout", where="--format", remedy="give all but one a file: --format json=out.json")
    return tuple(chosen)


def wants_patches(chosen: tuple[tuple[str, str | None], ...]) -> bool:
    """Whether a format that was chosen carries patches by itself."""
    return any(FORMATS[name].patches for name, _ in chosen)


def report(outcome: Outcome, chosen: tuple[tuple[str, str | None], ...]) -> None:
    """Write an outcome in each format to its place."""
    for name, file in chosen:
        text = FORMATS[name].render(outcome)
        if file is None:
            write(text.encode())
            continue
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(error.strerror or "cannot be written", where=file, remedy="check the path of --format") from error


def write(data: bytes) -> None:
    """Put bytes on stdout as they are: a diff keeps its line ends.

    Where the reader has gone, as `head` does, the rest is dropped, and the run ends with the code that it would have had.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Let everything that is still to be written to stdout go nowhere; Python would complain once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(text: str) -> None:
    """Tell the person at the terminal, not the reader of the report."""
    print(f"tfcert: {printable(text)}", file=sys.stderr)


def tell_calls(traffic: Sequence[Calls]) -> None:
    """Say on stderr what was asked of AWS: each operation by account and region, and what of it was sent again or throttled."""
    total = sum(entry.sent for entry in traffic)
    warn(f"calls to AWS: {total or 'none'}")
    width = max((len(entry.operation) for entry in traffic), default=0)
    for entry in traffic:
        besides = [f"{count} {word}" for count, word in ((entry.again, "sent again"), (entry.throttled, "throttled")) if count]
        told = f" ({', '.join(besides)})" if besides else ""
        place = Place(None, entry.account, entry.region)
        warn(f"  {entry.operation:<{width}}  {place}: {entry.sent}{told}")


def warn_unverified(outcome: Outcome) -> None:
    """Say on stderr, once for each reason, what AWS or the input left open, and what would answer it."""
    reasons = {
        (finding.message.partition(" could not be checked: ")[2] or finding.message, finding.remedy): None
        for finding in outcome.findings
        if finding.rule == UNVERIFIED
    }
    for reason, remedy in reasons:
        warn(f"not verified: {reason} ({remedy})")
