"""Probe backends: list what is behind stages, then call it with TestInvokeMethod.

    plan = plan_probe(gateways, wish, subjects)     # reads AWS, calls no backend
    report = run_probe(gateways, wish, plan)        # three calls for each target of the plan

A dry run stops after the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from checker.aws.boto_gateway import BotoGateways
from checker.model.probe import (
    CALLS_PER_BACKEND,
    REFUSED_STATUSES,
    NotProbed,
    ProbeReport,
    ProbeTarget,
)
from checker.model.trust import StagePair

MOST_CALLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSubject:
    """A stage to probe: its certificates, and how its backends may be called.

    `methods` are those that may be called, such as `GET /health`, in the order of preference.
    `headers` have values, which are secret and appear in no report and no message.
    """

    pair: StagePair
    methods: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    refused_statuses: tuple[int, ...] = REFUSED_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeWish:
    """What a run may do.

    `any_get` allows the first GET without path or required parameters for a backend that no named
    method reaches. `unsafe` allows named methods other than GET, HEAD and OPTIONS. `max_calls` is
    the most calls of TestInvokeMethod of the run: a backend for which three are not left is not
    probed. `now` decides which predecessors have ended. The timeout of each call is that of the
    connection of the gateways.
    """

    any_get: bool = False
    unsafe: bool = False
    max_calls: int = MOST_CALLS
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A target, and the values of its subject that its calls need."""

    target: ProbeTarget
    subject: ProbeSubject = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """The calls that `run_probe` makes, in order, and what it cannot probe."""

    planned: tuple[Planned, ...] = ()
    not_probed: tuple[NotProbed, ...] = ()

    @property
    def targets(self) -> tuple[ProbeTarget, ...]:
        """Return the targets, each of which is called three times."""
        return tuple(each.target for each in self.planned)

    @property
    def calls(self) -> int:
        """Return the number of calls that the plan needs."""
        return CALLS_PER_BACKEND * len(self.planned)


def plan_probe(
    gateways: BotoGateways, wish: ProbeWish, subjects: Sequence[ProbeSubject]
) -> ProbePlan:
    """List the backends of each stage, and choose the method that reaches each.

    It makes GET calls of API Gateway and GetCallerIdentity, and calls no backend. It raises
    nothing for an answer that AWS does not give: the stage is then in `not_probed`. Each pair of
    the result has the account and region that was asked. KeyboardInterrupt passes.
    """
    raise NotImplementedError


def run_probe(gateways: BotoGateways, wish: ProbeWish, plan: ProbePlan) -> ProbeReport:
    """Call each target without a certificate, with the predecessor, and with the successor.

    At most two calls a second for each API, one after another. No call that may have reached the
    backend is repeated. After KeyboardInterrupt it returns what is complete, with `interrupted`
    set; the targets that were not complete are in `not_probed`. A call that AWS denies makes its
    target not probed, with the reason and a remedy.
    """
    raise NotImplementedError
