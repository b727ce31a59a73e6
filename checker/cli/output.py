"""Write reports to stdout, files and job summaries; warnings and the progress bar to stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker.errors import UsageError
from checker.model.observation import Calls
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.places import Place
from checker.reports import FORMATS
from checker.reports.escape import encoded, printable
from checker.reports.text import Show, lay_out
from checker.reports.text.layout import WIDTH, Line, pieces

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from checker.aws.scan import ScanProgress
    from checker.pipeline import Loaded


# GitHub's runner gives the file for the summary of a step in this variable.
SUMMARY = "GITHUB_STEP_SUMMARY"


def formats(
    wanted: Sequence[str] | None, known: Collection[str] = FORMATS, *, file: str | None = None
) -> tuple[tuple[str, str | None], ...]:
    """Parse the formats, each `NAME` or `NAME=FILE`, where `-` is standard output.

    `file` is the one of --output. Raises UsageError for an unknown format, for two formats with the
    same destination, and for --output with several formats or with one that has a file.
    """
    chosen: list[tuple[str, str | None]] = []
    for text in wanted or ("text",):
        name, named, own = text.partition("=")
        if name not in known:
            from checker.model.text_values import did_you_mean

            raise UsageError(
                f"unknown format {name!r}",
                where="--format",
                remedy=did_you_mean(name, tuple(known)),
            )
        if named and not own:
            raise UsageError(
                f"{text!r} names no file",
                where="--format",
                remedy=f"write {name}=FILE, or {name} alone",
            )
        chosen.append((name, own if own not in ("", "-") else None))
    if file is not None:
        return (_into(file, wanted or ("text",), chosen[0][0]),)
    files = [os.path.realpath(file) for _, file in chosen if file is not None]
    if len(chosen) - len(files) > 1:
        raise UsageError(
            "two formats for one stdout",
            where="--format",
            remedy="give all but one a file: --format json=out.json",
        )
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise UsageError(
            f"two formats for one file, {twice}",
            where="--format",
            remedy="give each a file of its own",
        )
    return tuple(chosen)


def _into(file: str, wanted: Sequence[str], name: str) -> tuple[str, str | None]:
    """Return the one format with the file of --output, where `-` is standard output."""
    if not file:
        raise UsageError("names no file", where="--output", remedy="write -o FILE")
    if len(wanted) > 1:
        raise UsageError(
            "several formats for one file",
            where="--output",
            remedy="give each its own: --format json=out.json --format html=out.html",
        )
    if "=" in wanted[0]:
        raise UsageError(
            f"two files for one format, {file} and that of --format {wanted[0]}",
            where="--output",
            remedy="leave one of them out",
        )
    return name, None if file == "-" else file


def wants_patches(chosen: tuple[tuple[str, str | None], ...]) -> bool:
    """Return whether a chosen format includes patches, as a GitHub Actions summary does."""
    return any(FORMATS[name].patches for name, _ in chosen) or _summary(chosen)


def _summary(chosen: tuple[tuple[str, str | None], ...]) -> bool:
    return bool(os.environ.get(SUMMARY)) and any(name == "github" for name, _ in chosen)


def refuse_inputs(
    chosen: Sequence[tuple[str, str | None]],
    sources: Sequence[str],
    loaded: Loaded | None,
    *,
    option: str = "--format",
    policy: str | None = None,
) -> None:
    """Raise UsageError if a format's file is an input of the run; nothing is written then."""
    files = [Path(file) for _, file in chosen if file is not None]
    if files:
        from checker.cli.output_conflicts import refuse_overwriting

        refuse_overwriting(files, sources, loaded, option=option, policy=policy)


def report(
    outcome: Outcome,
    chosen: tuple[tuple[str, str | None], ...],
    *,
    patches: bool = False,
    show: Show = Show.USUAL,
) -> None:
    """Write an outcome in each format: first to files, then to stdout, whose reader may go away.

    All texts but plain text, which is written as it is rendered, are rendered before the first is
    written. Without `patches`, a format that does not ask for patches has none, whatever other
    formats are written. `show` is how much the text shows.
    """
    if any(FORMATS[name].by_repository for name, _ in chosen):
        from checker.git import find_checkout

        outcome = replace(outcome, checkout=find_checkout())
    without = outcome if patches else replace(outcome, patches=())
    texts = [
        (_rendered(name, outcome if FORMATS[name].patches else without, file, show), file)
        for name, file in chosen
    ]
    _write_files(texts)
    if _summary(chosen):
        add_summary(outcome, Path(os.environ[SUMMARY]))
    _write_stdout(texts)


def report_texts(texts: Sequence[tuple[Iterable[bytes], str | None]]) -> None:
    """Write rendered texts, each to its file or to stdout: first the files."""
    _write_files(texts)
    _write_stdout(texts)


def _write_files(texts: Sequence[tuple[Iterable[bytes], str | None]]) -> None:
    files = {Path(file): text for text, file in texts if file is not None}
    if files:
        from checker.cli import signals
        from checker.cli.atomic_write import replace_files

        replace_files(files, obey=signals.obey_pending)


def _write_stdout(texts: Sequence[tuple[Iterable[bytes], str | None]]) -> None:
    for text, file in texts:
        if file is None:
            _write_pieces(text)


def _rendered(name: str, outcome: Outcome, file: str | None, show: Show) -> Iterable[bytes]:
    if name != "text":
        return map(encoded, FORMATS[name].pieces(outcome))
    if file is None and sys.stdout.isatty():
        return on_terminal(outcome, show)
    return map(encoded, pieces(line.plain for line in lay_out(outcome, WIDTH, show)))


def write(data: bytes) -> None:
    """Write bytes to stdout unchanged, so that a diff keeps its line ends.

    If the reader is gone, as `head` may be, the rest is dropped; the exit code does not change.
    """
    _write_pieces((data,))


def _write_pieces(data: Iterable[bytes]) -> None:
    try:
        sys.stdout.flush()
        for piece in data:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Discard all further output to stdout, so that Python reports no second error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(text: str) -> None:
    """Print a warning on stderr, for the user at the terminal and not in the report."""
    print(f"tfcert: {printable(text)}", file=sys.stderr)


def print_calls(traffic: Sequence[Calls]) -> None:
    """Print the calls to AWS on stderr, by operation, account and region, with retries."""
    total = sum(entry.sent for entry in traffic)
    warn(f"calls to AWS: {total or 'none'}")
    width = max((len(entry.operation) for entry in traffic), default=0)
    for entry in traffic:
        besides = [
            f"{count} {word}"
            for count, word in ((entry.again, "sent again"), (entry.throttled, "throttled"))
            if count
        ]
        counts = f" ({', '.join(besides)})" if besides else ""
        place = Place(None, entry.account, entry.region)
        warn(f"  {entry.operation:<{width}}  {place}: {entry.sent}{counts}")


def warn_unverified(outcome: Outcome) -> None:
    """Print on stderr, once for each reason, what could not be verified, and the remedy."""
    reasons = {
        (finding.reason or finding.message, finding.remedy): None
        for finding in outcome.findings
        if finding.rule == UNVERIFIED
    }
    for reason, remedy in reasons:
        warn(f"not verified: {reason} ({remedy})")


# Source: GitHub, "Workflow commands", on job summaries: 1 MiB per step; a longer one is not shown.
_LIMIT = 1024 * 1024
_BYTES_OF_A_UNIT = 3


def add_summary(outcome: Outcome, file: Path) -> None:
    """Add the report as Markdown to the job summary, up to GitHub's limit.

    If it cannot be written, print a warning; the run does not fail.
    """
    from checker.reports.github import summary

    try:
        there = file.stat().st_size if file.exists() else 0
        # A UTF-16 code unit takes at most three bytes of UTF-8.
        limit = (_LIMIT - there - 1) // _BYTES_OF_A_UNIT
        if limit <= 0:
            warn(f"no summary: {file} is full already")
            return
        with file.open("a", encoding="utf-8", newline="\n", errors="replace") as stream:
            stream.write(summary(outcome, limit))
    except OSError as error:
        warn(f"no summary: {file}: {error.strerror or error}")


_NARROWEST, _WIDEST = 40, 120


def on_terminal(outcome: Outcome, show: Show = Show.USUAL) -> Iterable[bytes]:
    """Yield the report for the terminal on standard output.

    Source: no-color.org (a NO_COLOR that is not empty means no color); TERM=dumb supports no color.
    """
    width = terminal_width()
    from checker.cli.terminal.links import has_links, rule_pages

    if not has_links(os.environ):
        return coloured_lines(lay_out(outcome, width, show))
    pages = rule_pages(outcome.cases.policy.rule_pages)
    return coloured_lines(lay_out(outcome, width, show, pages))


def terminal_width() -> int:
    """Return the width of the terminal, within the widths that a report has."""
    return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))


def coloured_lines(lines: Iterable[Line]) -> Iterable[bytes]:
    """Yield lines for the terminal, with colours unless the user has turned them off."""
    if _is_plain():
        return map(encoded, pieces(line.plain for line in lines))
    from checker.reports.text.coloured import coloured

    return map(encoded, pieces(coloured(lines)))


def _is_plain() -> bool:
    """Return whether the terminal gets neither colours nor links."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


class _Nobody:
    def expect(self, count: int) -> None:
        """Do nothing: no progress is shown."""

    def answered(self) -> None:
        """Do nothing: no progress is shown."""


class _Bar:
    """A progress bar whose total grows when more work is found."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._total = 0
        self._lock = Lock()

    def expect(self, count: int) -> None:
        """Add to the total."""
        with self._lock:
            self._total += count
            self._progress.update(self._task, total=self._total)

    def answered(self) -> None:
        """Advance the bar by one."""
        self._progress.update(self._task, advance=1)


@contextmanager
def progress_bar() -> Iterator[ScanProgress]:
    """Show a bar on stderr during a scan; show nothing if stderr is not a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _Nobody()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("scanning"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("answers of AWS"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task("scan", total=None))
