"""`--probe` and `--probe-report` of `check` and `patch`: the source of backends' answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from checker.cli import output
from checker.cli.probing.evidence import (
    Bound,
    bound_evidence,
    evidence_of,
    pairs_of,
    uncovered,
)
from checker.cli.probing.request import MAX_AGE, ProbeOptions, parse_age
from checker.errors import UsageError
from checker.files import open_file
from checker.model.cases import Cases
from checker.model.rotation import Rotation
from checker.model.trust import ProbeEvidence
from checker.pipeline import Probe
from checker.reports.probe.document import read_probe
from checker.reports.probe.lines import stage_in_words

if TYPE_CHECKING:
    from checker.cli.aws import Aws

_LARGEST = 16 * 1024 * 1024
_OPTIONS = ("--method", "--any-get", "--unsafe", "--header", "--max-calls", "--yes")


class Asking(Struct, frozen=True, kw_only=True):
    """How a run asks backends: by calls with `options`, or by the report in the file `report`."""

    given: tuple[Any, ...]
    report: str | None
    max_age: timedelta
    offline: bool

    @classmethod
    def of(
        cls,
        *,
        probe: bool,
        report: str | None,
        max_age: str | None,
        given: Sequence[object],
        offline: bool,
        as_of: str | None,
    ) -> Asking:
        """Parse the options; raises UsageError for those that contradict each other."""
        if probe and report is not None:
            raise UsageError(
                "these contradict each other",
                where="--probe and --probe-report",
                remedy="give one of them",
            )
        if probe:
            refuse_past(offline=offline, as_of=as_of, option="--probe")
        else:
            alone = next((name for name, each in zip(_OPTIONS, given, strict=True) if each), None)
            if alone is not None:
                raise UsageError("has no effect without --probe", where=alone, remedy="add --probe")
        if max_age is not None and report is None:
            raise UsageError(
                "has no effect without --probe-report",
                where="--probe-max-age",
                remedy="name the report with --probe-report FILE",
            )
        return cls(
            given=tuple(given),
            report=report,
            max_age=parse_age(max_age or MAX_AGE),
            offline=offline,
        )

    def probe(self, aws: Aws, timeout: float) -> Probe:
        """Return the function that asks the backends of a run's rotations.

        Raises UnreadableError for a report that cannot be read, before anything else is.
        """
        return self._reading(aws) if self.report is not None else self._calling(aws, timeout)

    def _reading(self, aws: Aws) -> Probe:
        path = self.report or ""
        data = open_file(path, most=_LARGEST, instead="name a report of `tfcert probe`")
        bound = Bound(path=path, document=read_probe(path, bytes(data)), max_age=self.max_age)

        def read(cases: Cases, rotations: tuple[Rotation, ...]) -> tuple[ProbeEvidence, ...]:
            pairs = pairs_of(cases, rotations)
            found = bound_evidence(bound, cases, pairs)
            if self.offline or not pairs:
                return found
            from checker.cli.probing.behind import backends_behind, compared

            return (*found, *compared(bound, backends_behind(pairs, aws)))

        return read

    def _calling(self, aws: Aws, timeout: float) -> Probe:
        methods, any_get, unsafe, headers, max_calls, yes = self.given
        options = ProbeOptions.of(
            methods=methods,
            any_get=any_get,
            unsafe=unsafe,
            headers=headers,
            max_calls=max_calls,
            timeout=timeout,
            confirmed=yes,
        )
        made = 0

        def call(cases: Cases, rotations: tuple[Rotation, ...]) -> tuple[ProbeEvidence, ...]:
            nonlocal made
            from checker.cli.probing.run import run_probe

            pairs = pairs_of(cases, rotations)
            if not pairs:
                return ()
            document = run_probe(cases, pairs, options.after(made), aws)
            made += document.calls
            for each in document.backends:
                output.warn(f"probe: {each.backend}: {each.verdict}, {each.reason}")
            for other in document.not_probed:
                named = other.backend or stage_in_words(other.stage)
                output.warn(f"probe: {named}: not called, {other.reason} ({other.remedy})")
            if document.interrupted:
                raise KeyboardInterrupt
            found = evidence_of(document)
            return (*found, *uncovered(pairs, found, "the probe did not reach it"))

        return call


def refuse_past(*, offline: bool, as_of: str | None, option: str) -> None:
    """Raise UsageError for a probe of another time than now, or without AWS."""
    if offline:
        raise UsageError(
            "a probe is a call to AWS",
            where=f"{option} and --offline",
            remedy="leave --offline out",
        )
    if as_of is not None:
        raise UsageError(
            "a backend answers for now only",
            where=f"{option} and --as-of",
            remedy="leave --as-of out",
        )
