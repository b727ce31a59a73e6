"""Run a probe: what it calls by the policy, the user's consent, the calls, and the report."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from checker.cli import output
from checker.cli.probing.request import ProbeOptions
from checker.errors import UsageError
from checker.model.cases import Cases
from checker.model.trust import StagePair
from checker.reports.escape import encoded
from checker.reports.probe import render_probe
from checker.reports.probe.document import JsonProbe
from checker.reports.probe.lines import lay_out_probe

if TYPE_CHECKING:
    from checker.cli.aws import Aws


def demand_terminal(options: ProbeOptions) -> None:
    """Raise UsageError if the user has to confirm the calls, and there is no terminal."""
    if not options.confirmed and not _on_terminal():
        raise UsageError(
            "there is no terminal to confirm the calls to backends on",
            where="--yes",
            remedy="add --yes; --dry-run lists the calls and makes none",
        )


def _on_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def run_dry(
    cases: Cases,
    pairs: tuple[StagePair, ...],
    options: ProbeOptions,
    aws: Aws,
    notices: tuple[str, ...] = (),
) -> JsonProbe:
    """Return the calls that a run would make; AWS is asked for integrations, and nothing else."""
    raise NotImplementedError


def run_probe(
    cases: Cases,
    pairs: tuple[StagePair, ...],
    options: ProbeOptions,
    aws: Aws,
    notices: tuple[str, ...] = (),
) -> JsonProbe:
    """Call the backends of these stages, and return the report."""
    raise NotImplementedError


def report_probe(document: JsonProbe, chosen: tuple[tuple[str, str | None], ...]) -> None:
    """Write a report in each format: first to files, then to stdout."""
    output.report_texts([(_rendered(name, document, file), file) for name, file in chosen])


def _rendered(name: str, document: JsonProbe, file: str | None) -> Iterable[bytes]:
    if name == "text" and file is None and sys.stdout.isatty():
        return output.coloured_lines(lay_out_probe(document, output.terminal_width()))
    return (encoded(render_probe(name, document)),)
