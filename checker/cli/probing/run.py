"""Run a probe: what it calls by the policy, the user's consent, the calls, and the report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from checker.analysis.scoping import Scoping
from checker.aws.probe import (
    ProbePlan,
    ProbeSubject,
    ProbeWish,
    plan_probe,
)
from checker.aws.probe import run_probe as call
from checker.cli import output, signals
from checker.cli.probing.request import ProbeOptions, header_values, refuse_unsafe
from checker.errors import UsageError
from checker.model.cases import Cases, DocumentCases
from checker.model.policy import ProbeSettings
from checker.model.probe import REFUSED_STATUSES, NotProbed, ProbeReport
from checker.model.trust import StagePair
from checker.reports.escape import encoded, printable
from checker.reports.probe import render_probe
from checker.reports.probe.document import JsonProbe, plan_document, report_document
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
    subjects = _subjects(cases, pairs, options)
    plan = plan_probe(aws.gateways(), _wish(options), subjects) if subjects else ProbePlan()
    return plan_document(plan.targets, plan.not_probed, datetime.now(UTC), notices)


def run_probe(
    cases: Cases,
    pairs: tuple[StagePair, ...],
    options: ProbeOptions,
    aws: Aws,
    notices: tuple[str, ...] = (),
) -> JsonProbe:
    """Call the backends of these stages, and return the report.

    On a terminal the user confirms the calls first, unless the options do.
    """
    subjects = _subjects(cases, pairs, options)
    began = datetime.now(UTC)
    if not subjects:
        return report_document(ProbeReport(made_at=began), notices)
    wish = _wish(options)
    plan = plan_probe(aws.gateways(), wish, subjects)
    if plan.targets and not options.confirmed and _on_terminal() and not _confirmed(plan):
        declined = (_declined(target.pair) for target in plan.targets)
        report = ProbeReport(made_at=began, not_probed=(*plan.not_probed, *declined))
        return report_document(report, notices)
    report = call(aws.gateways(), wish, plan)
    if report.interrupted:
        signals.report_interruption()
    return report_document(report, notices)


def _wish(options: ProbeOptions) -> ProbeWish:
    return ProbeWish(any_get=options.any_get, unsafe=options.unsafe, max_calls=options.max_calls)


def _subjects(
    cases: Cases, pairs: tuple[StagePair, ...], options: ProbeOptions
) -> tuple[ProbeSubject, ...]:
    """Return the stages with what the policy and the options say of them."""
    scoping = Scoping(cases)
    return tuple(
        ProbeSubject(
            pair=pair,
            methods=settings.methods,
            headers=header_values(settings, os.environ),
            refused_statuses=REFUSED_STATUSES
            if settings.refused_statuses is None
            else settings.refused_statuses,
        )
        for pair in pairs
        for settings in (_settings(scoping, pair, options),)
    )


def _settings(scoping: Scoping, pair: StagePair, options: ProbeOptions) -> ProbeSettings:
    """Return the settings of a stage: the policy's, those of its scopes, and the options'.

    Raises UsageError for an unsafe method of the policy without --unsafe.
    """
    found = scoping.policy.probe
    for matching in sorted(_matching(scoping, pair)):
        found = scoping.policy.under(matching).probe
    for method in found.methods if not options.settings.methods else ():
        refuse_unsafe(method, "[probe] method", unsafe=options.unsafe)
    return found.under(options.settings)


def _matching(scoping: Scoping, pair: StagePair) -> frozenset[tuple[int, ...]]:
    part = next(_documents(scoping.cases, pair), None)
    return scoping.of_stages(part, (pair.stage,)) if part is not None else frozenset()


def _documents(cases: Cases, pair: StagePair) -> Iterator[DocumentCases]:
    for part in cases.documents:
        plan = part.document.plan
        moved = (side for change in (plan.stages if plan else ()) for side in change.sides)
        if pair.stage in part.document.stages or pair.stage in tuple(moved):
            yield part


def _confirmed(plan: ProbePlan) -> bool:
    """Ask the user on the terminal whether to make the calls."""
    found: Mapping[str, None] = {
        f"  {target.method} -> {target.backend}": None for target in plan.targets
    }
    output.warn(f"{plan.calls} calls to backends, through API Gateway:")
    for line in found:
        print(printable(line), file=sys.stderr)
    print("tfcert: call them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _declined(pair: StagePair) -> NotProbed:
    return NotProbed(
        pair=pair,
        reason="you did not confirm the calls",
        remedy="run it again and answer y, or add --yes",
    )


def report_probe(document: JsonProbe, chosen: tuple[tuple[str, str | None], ...]) -> None:
    """Write a report in each format: first to files, then to stdout."""
    output.report_texts([(_rendered(name, document, file), file) for name, file in chosen])


def _rendered(name: str, document: JsonProbe, file: str | None) -> Iterable[bytes]:
    if name == "text" and file is None and sys.stdout.isatty():
        return output.coloured_lines(lay_out_probe(document, output.terminal_width()))
    return (encoded(render_probe(name, document)),)
