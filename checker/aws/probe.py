"""Probe backends: list what is behind stages, then call it with TestInvokeMethod.

    plan = plan_probe(gateways, wish, subjects)     # reads AWS, calls no backend
    report = run_probe(gateways, wish, plan)        # three calls for each target of the plan

A dry run stops after the plan.
"""

from __future__ import annotations

import time

from checker.aws.boto_gateway import BotoGateways
from checker.aws.deadline import Interruption, RegionalGateway, TimeBudget
from checker.aws.gateway import BackendCall, GatewayError, ThrottledError, UnreachableError
from checker.aws.probe_plan import (
    MOST_CALLS,
    Planned,
    ProbePlan,
    ProbeSubject,
    ProbeWish,
    plan_probe,
)
from checker.model.places import Place
from checker.model.probe import (
    NotProbed,
    ProbeAnswer,
    ProbedBackend,
    ProbeReport,
    ProbeTarget,
    ProbeVerdict,
    judge,
)
from checker.model.trust import StageCertificate

__all__ = ["MOST_CALLS", "ProbePlan", "ProbeSubject", "ProbeWish", "plan_probe", "run_probe"]

# Two calls a second for each API.
_SPACING = 0.5
# Source: API Gateway developer guide, "Set up integration responses".
_MAPPED = "the integration of type HTTP may map the backend's status: name a method of HTTP_PROXY"
# API Gateway throttles a request before it does anything: only such a call is sent again.
_WAITS = (1.0, 2.0)


def run_probe(gateways: BotoGateways, wish: ProbeWish, plan: ProbePlan) -> ProbeReport:
    """Call each target without a certificate, with the predecessor, and with the successor.

    At most two calls a second for each API, one after another. No call that may have reached the
    backend is repeated. After KeyboardInterrupt it returns what is complete, with `interrupted`
    set; the targets that were not complete are in `not_probed`. A call that AWS denies makes its
    target not probed, with the reason and a remedy.
    """
    calls = _Calls(gateways)
    found: list[ProbedBackend | NotProbed] = []
    try:
        for planned in plan.planned:
            found.append(_probed(calls, wish, planned))  # noqa: PERF401 -- kept if interrupted
    except KeyboardInterrupt:
        calls.interruption.request()
    late = (
        NotProbed(
            pair=each.pair,
            backend=each.backend,
            reason="the run was interrupted before its three calls were answered",
            remedy="run it again",
        )
        for each in plan.targets[len(found) :]
    )
    return ProbeReport(
        made_at=wish.now,
        results=tuple(each for each in found if isinstance(each, ProbedBackend)),
        not_probed=(
            *plan.not_probed,
            *(each for each in found if isinstance(each, NotProbed)),
            *late,
        ),
        calls=calls.made,
        interrupted=calls.interruption.requested,
    )


def _probed(calls: _Calls, wish: ProbeWish, planned: Planned) -> ProbedBackend | NotProbed:
    target = planned.target
    predecessor, successor = target.pair.predecessor, target.pair.successor
    assert predecessor is not None  # noqa: S101 -- see ProbeTarget
    assert successor is not None  # noqa: S101 -- see ProbeTarget
    try:
        control = calls.call(planned, None)
    except GatewayError as error:
        why = error.unanswered
        return NotProbed(
            pair=target.pair, backend=target.backend, reason=why.reason, remedy=why.remedy
        )
    before, after = (_answer(calls, planned, each) for each in (predecessor, successor))
    ended = predecessor.ends is not None and predecessor.ends <= wish.now
    verdict, reason = judge(
        control,
        before,
        after,
        planned.subject.refused_statuses,
        predecessor_ended=ended,
    )
    if planned.mapped and verdict is ProbeVerdict.NOT_REQUIRED:
        reason = f"{reason}; {_MAPPED}"
    return ProbedBackend(
        target=target,
        verdict=verdict,
        reason=reason,
        control=control,
        predecessor=before,
        successor=after,
    )


def _answer(calls: _Calls, planned: Planned, certificate: StageCertificate) -> ProbeAnswer:
    try:
        return calls.call(planned, certificate.id)
    except GatewayError as error:
        return ProbeAnswer(reason=error.unanswered.reason)


class _Calls:
    """The calls of one run: their pace, their number, and the end of waiting."""

    def __init__(self, gateways: BotoGateways) -> None:
        self.interruption = Interruption()
        self.made = 0
        self._gateways = gateways
        self._next: dict[tuple[Place, str], float] = {}

    def call(self, planned: Planned, certificate_id: str | None) -> ProbeAnswer:
        """Return the answer of one call; one that gave no answer in time has a reason.

        Raises GatewayError if AWS did not make the call.
        """
        for wait in (*_WAITS, None):
            self._keep_pace(planned.target)
            try:
                return self._send(planned, certificate_id)
            except ThrottledError:
                self.made -= 1
                if wait is None:
                    raise
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, planned: Planned, certificate_id: str | None) -> ProbeAnswer:
        target = planned.target
        place = target.pair.stage.place
        connection = self._gateways.clients.connection
        regional = RegionalGateway(
            gateway=self._gateways.of(connection.role_for(place)),
            region=place.region or "",
            budget=TimeBudget(connection.timeout, interruption=self.interruption),
        )
        call = BackendCall(
            api_id=target.pair.stage.api_id or "",
            resource_id=target.resource_id,
            verb=target.verb,
            path=target.path,
            headers=planned.subject.headers,
            variables=planned.variables,
            certificate_id=certificate_id,
        )
        self.made += 1
        try:
            return regional.ask(
                "TestInvokeMethod", lambda: regional.gateway.call_backend(regional.region, call)
            )
        except ThrottledError:
            raise
        except UnreachableError as error:
            # The request may have been sent: the call counts, and is not repeated.
            return ProbeAnswer(reason=error.unanswered.reason)
        except GatewayError:
            self.made -= 1
            raise

    def _keep_pace(self, target: ProbeTarget) -> None:
        key = target.pair.stage.place, target.pair.stage.api_id or ""
        now = time.monotonic()
        due = self._next.get(key, now)
        if due > now:
            time.sleep(due - now)
        self._next[key] = max(due, now) + _SPACING
