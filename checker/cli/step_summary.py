"""The summary of a GitHub Actions step: Markdown that is added to the file that the runner names."""

from __future__ import annotations

from pathlib import Path

from checker.cli import output
from checker.domain.outcome import Outcome

# Source: GitHub, "Workflow commands", on job summaries: 1 MiB a step, and what is longer is not shown at all.
_LIMIT = 1024 * 1024
_BYTES_OF_A_UNIT = 3


def add_summary(outcome: Outcome, file: Path) -> None:
    """Add the report as Markdown, as much of it as GitHub shows; that it could not be written is said and fails nothing."""
    from checker.reports.github import summary

    try:
        there = file.stat().st_size if file.exists() else 0
        # A unit of UTF-16 takes at most three bytes of UTF-8.
        limit = (_LIMIT - there - 1) // _BYTES_OF_A_UNIT
        if limit <= 0:
            output.warn(f"no summary: {file} is full already")
            return
        with file.open("a", encoding="utf-8", newline="\n", errors="replace") as stream:
            stream.write(summary(outcome, limit))
    except OSError as error:
        output.warn(f"no summary: {file}: {error.strerror or error}")
