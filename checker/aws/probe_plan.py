"""Plan a probe: what is behind the stages, and which method reaches each backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from checker.aws.boto_gateway import BotoGateways
from checker.aws.connection import Role
from checker.aws.deadline import RegionalGateway, TimeBudget
from checker.aws.gateway import GatewayError, MissingError
from checker.aws.integrations import (
    PRESENTING,
    ApiMethod,
    NoBackend,
    backend_of,
    first_get,
    method_for,
)
from checker.model.places import Place, in_region
from checker.model.probe import (
    CALLS_PER_BACKEND,
    REFUSED_STATUSES,
    NotProbed,
    ProbeBackend,
    ProbeTarget,
)
from checker.model.resources import StageKind, kind_of
from checker.model.trust import StagePair

T = TypeVar("T")

MOST_CALLS = 20
HARMLESS = ("GET", "HEAD", "OPTIONS")


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
    """A target, and the values that its calls need.

    `mapped` is whether the integration may answer another status than the backend's.
    """

    target: ProbeTarget
    mapped: bool = False
    subject: ProbeSubject = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """The calls that `run_probe` makes, in order, and what it cannot probe."""

    planned: tuple[Planned, ...] = ()
    not_probed: tuple[NotProbed, ...] = ()

    @property
    def targets(self) -> tuple[ProbeTarget, ...]:
        """Return the targets; a run calls each of them three times."""
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
    listing = _Listing(gateways)
    planned: list[Planned] = []
    not_probed: list[NotProbed] = []
    for subject in subjects:
        for each in _planned(listing, wish, subject):
            match each:
                case NotProbed():
                    not_probed.append(each)
                case Planned() if CALLS_PER_BACKEND * (len(planned) + 1) <= wish.max_calls:
                    planned.append(each)
                case Planned(target=target):
                    not_probed.append(
                        NotProbed(
                            pair=target.pair,
                            backend=target.backend,
                            reason=f"it needs {CALLS_PER_BACKEND} calls, and the run may make "
                            f"{wish.max_calls}",
                            remedy="raise --max-calls, or choose stages with --stage",
                        )
                    )
    return ProbePlan(planned=tuple(planned), not_probed=tuple(not_probed))


class _Listing:
    """The answers of AWS about APIs and stages, each asked once."""

    def __init__(self, gateways: BotoGateways) -> None:
        self._gateways = gateways
        self._known: dict[tuple[object, ...], Any] = {}
        self._budgets: dict[tuple[Role | None, str], TimeBudget] = {}

    @property
    def gateways(self) -> BotoGateways:
        return self._gateways

    def account(self, role: Role | None, region: str) -> str:
        regional = self._regional(role, region)
        return self._once(
            regional,
            ("account", role),
            "GetCallerIdentity",
            lambda: regional.gateway.account(region),
        )

    def methods(self, role: Role | None, region: str, api_id: str) -> tuple[ApiMethod, ...]:
        regional = self._regional(role, region)
        return self._once(
            regional,
            ("methods", role, region, api_id),
            "GetResources",
            lambda: regional.gateway.methods(region, api_id),
        )

    def variables(
        self, role: Role | None, region: str, api_id: str, stage: str
    ) -> Mapping[str, str]:
        regional = self._regional(role, region)
        return self._once(
            regional,
            ("variables", role, region, api_id, stage),
            "GetStage",
            lambda: regional.gateway.stage_variables(region, api_id, stage),
        )

    def _regional(self, role: Role | None, region: str) -> RegionalGateway:
        budget = self._budgets.setdefault(
            (role, region), TimeBudget(self._gateways.clients.connection.timeout)
        )
        return RegionalGateway(gateway=self._gateways.of(role), region=region, budget=budget)

    def _once(
        self,
        regional: RegionalGateway,
        key: tuple[object, ...],
        operation: str,
        work: Callable[[], T],
    ) -> T:
        """Return a kept answer, or ask; the error of a question is kept and raised again."""
        if key not in self._known:
            try:
                self._known[key] = regional.ask(operation, work)
                regional.budget.answered()
            except GatewayError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, GatewayError):
            raise found
        answer: T = found
        return answer


def _planned(
    listing: _Listing, wish: ProbeWish, subject: ProbeSubject
) -> Iterator[Planned | NotProbed]:
    """Yield each backend of a stage, with the method to call or the reason why none is called."""
    pair = subject.pair
    unfit = _unfit(pair)
    if unfit is not None:
        yield unfit
        return
    try:
        place, role = _place(listing, pair)
        pair = replace(pair, stage=replace(pair.stage, place=place))
        region, api_id, name = place.region or "", pair.stage.api_id or "", pair.stage.name or ""
        methods = listing.methods(role, region, api_id)
        variables = listing.variables(role, region, api_id, name)
    except MissingError as error:
        yield NotProbed(
            pair=pair,
            reason=error.unanswered.reason,
            remedy="check that the API and the stage are in this account and region; if they are "
            "deleted there, run `terraform plan`",
        )
        return
    except GatewayError as error:
        why = error.unanswered
        yield NotProbed(pair=pair, reason=why.reason, remedy=why.remedy)
        return
    found = _backends(methods, variables)
    if not found.reached and not found.faults:
        yield _none_presents(pair, methods)
        return
    for fault in found.faults:
        yield NotProbed(
            pair=pair,
            reason=fault,
            remedy="correct the integration or the stage's variables; "
            "`tfcert bundle --for SERVER` writes what its backend has to trust",
        )
    named, unusable = _named(subject, wish, methods, found)
    for backend, own in found.reached.items():
        chosen = named.get(backend)
        spare = first_get(own) if wish.any_get and chosen is None else None
        if spare is not None:
            chosen = "GET", spare.path, spare
        if chosen is None:
            yield _no_method(pair, backend, unusable, any_get=wish.any_get)
            continue
        verb, path, method = chosen
        yield Planned(
            target=ProbeTarget(
                pair=pair,
                backend=backend,
                verb=verb,
                path=path,
                resource_id=method.resource_id,
            ),
            subject=subject,
            variables=variables,
            mapped=method.integration is not None and method.integration.type == "HTTP",
        )


# The remedy for a stage that no test call reaches. AWS keeps the private keys of its certificates,
# so a client of one's own can see whether a backend asks for a certificate, and not present one.
_OTHERWISE = (
    "give the backend both certificates with `tfcert bundle --for SERVER`; "
    "`curl -v` shows whether it asks for a certificate"
)


def _unfit(pair: StagePair) -> NotProbed | None:
    """Return why a stage cannot be probed, as far as no answer of AWS is needed for it."""
    stage = pair.stage
    unknown = [
        name
        for name, certificate in (
            ("predecessor", pair.predecessor),
            ("successor", pair.successor),
        )
        if certificate is None
    ]
    ids = [each.id for each in (pair.predecessor, pair.successor) if each is not None]
    acm = [identity for identity in ids if kind_of(identity) == "acm"]
    reasons: tuple[tuple[bool, str, str], ...] = (
        (
            stage.kind is StageKind.WEBSOCKET,
            "a WebSocket API has no test call",
            _OTHERWISE,
        ),
        (
            stage.api_id is None or stage.name is None,
            "the API or the name of the stage is not known",
            "apply the configuration first, so that state has it",
        ),
        (
            bool(unknown),
            f"the {' and the '.join(unknown)} of the rotation is not known",
            "apply introduce first",
        ),
        (
            bool(acm),
            f"{', '.join(acm)} is of ACM: whether a test call accepts one is not documented",
            _OTHERWISE,
        ),
    )
    return next(
        (
            NotProbed(pair=pair, reason=reason, remedy=remedy)
            for applies, reason, remedy in reasons
            if applies
        ),
        None,
    )


def _place(listing: _Listing, pair: StagePair) -> tuple[Place, Role | None]:
    """Return the place of a stage with the account that answers, and the role to ask with.

    Raises GatewayError if the credentials are of another account than the stage.
    """
    recorded = pair.stage.place
    region = recorded.region or listing.gateways.region()
    if region is None:
        raise GatewayError("the region of the stage is not known", "give --region")
    role = listing.gateways.clients.connection.role_for(recorded)
    account = listing.account(role, region)
    if recorded.account not in {None, account}:
        raise GatewayError(
            f"the credentials are of account {account}, and the stage is in {recorded.account}",
            f"give credentials of account {recorded.account}, or its role under "
            f'[accounts."{recorded.account}"] in tfcert.toml',
        )
    return recorded.or_else(in_region(region, account)), role


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backends:
    """The distinct backends of a stage with their methods, and the faults of integrations."""

    reached: Mapping[ProbeBackend, Sequence[ApiMethod]]
    faults: tuple[str, ...]
    of: Mapping[ApiMethod, ProbeBackend]


def _backends(methods: Sequence[ApiMethod], variables: Mapping[str, str]) -> _Backends:
    reached: dict[ProbeBackend, list[ApiMethod]] = {}
    faults: dict[str, None] = {}
    of: dict[ApiMethod, ProbeBackend] = {}
    for method in methods:
        match backend_of(method.integration, variables) if method.integration else None:
            case ProbeBackend() as backend:
                reached.setdefault(backend, []).append(method)
                of[method] = backend
            case NoBackend(reason):
                faults[reason] = None
            case None:
                pass
    return _Backends(reached=reached, faults=tuple(faults), of=of)


_Chosen = tuple[str, str, ApiMethod]


def _named(
    subject: ProbeSubject, wish: ProbeWish, methods: Sequence[ApiMethod], found: _Backends
) -> tuple[Mapping[ProbeBackend, _Chosen], tuple[str, ...]]:
    """Return the first named method that reaches each backend, and why others reach none."""
    chosen: dict[ProbeBackend, _Chosen] = {}
    unusable: list[str] = []
    for text in subject.methods:
        verb, _, path = text.partition(" ")
        method = method_for(methods, verb, path)
        if verb not in HARMLESS and not wish.unsafe:
            unusable.append(f"{text} may change something in the backend (--unsafe)")
        elif method is None:
            unusable.append(f"the API has no {text}")
        elif method in found.of:
            chosen.setdefault(found.of[method], (verb, path, method))
        else:
            kind = method.integration.type if method.integration is not None else "no"
            unusable.append(f"{text} leads to no backend that is known (integration: {kind})")
    return chosen, tuple(unusable)


def _no_method(
    pair: StagePair, backend: ProbeBackend, unusable: tuple[str, ...], *, any_get: bool
) -> NotProbed:
    why = f": {'; '.join(unusable)}" if unusable else ""
    also = ", and it has no GET without parameters" if any_get else ""
    remedy = 'name a method that reaches it (--method "GET /health", or [probe] in the policy)'
    return NotProbed(
        pair=pair,
        backend=backend,
        reason=f"no named method reaches it{why}{also}",
        remedy=remedy if any_get else f"{remedy}, or allow --any-get",
    )


def _none_presents(pair: StagePair, methods: Sequence[ApiMethod]) -> NotProbed:
    kinds = sorted({each.integration.type for each in methods if each.integration is not None})
    seen = f"it has {', '.join(kinds)}" if kinds else "it has no integration"
    return NotProbed(
        pair=pair,
        reason=f"the API has no integration of type {' or '.join(sorted(PRESENTING))}, which "
        f"alone present a certificate: {seen}",
        remedy="see whether the stage needs a certificate at all",
    )
