"""Every stage of one region: what a certificate must be looked for on before it may go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from threading import Event, Lock

from checker.domain.observation import ObservedStage, Survey, Surveyed, Unanswered
from checker.domain.place import Place
from checker.domain.stage import StageKind
from checker.live.anchors import Anchor, may_be_in
from checker.live.asking import Asking
from checker.live.deadline import OverdueError, start, within
from checker.live.gateway import Api, GatewayError
from checker.live.identity import Caller, KnownCaller, caller, elsewhere, here, unproven

# At 9 requests a second, as many threads keep the pace up to a latency of nearly half a second.
_THREADS = 4


def observe_stages(
    asking: Asking, places: Collection[Place], anchors: Collection[Anchor], identity: Future[Caller]
) -> Mapping[Place, Survey]:
    """List every REST and WebSocket stage of a region once, and say for each place whether it is that account's list."""
    try:
        stages = _all_stages(asking)
    except GatewayError as error:
        why = error.unanswered
        incomplete = Unanswered(reason=f"not every stage could be listed: {why.reason}", remedy=why.remedy)
        return dict.fromkeys(places, incomplete)
    who = caller(identity, asking.patience)
    return {place: _judged(place, asking.region, stages, anchors, who) for place in places}


def _judged(place: Place, region: str, stages: tuple[ObservedStage, ...], anchors: Collection[Anchor], who: Caller) -> Survey:
    other = elsewhere(place.account, who)
    if other is not None:
        return other
    asked = who.account if isinstance(who, KnownCaller) else place.account
    listed = {(stage.kind, stage.api_id, stage.name) for stage in stages}
    found = ((anchor.kind, anchor.api_id, anchor.name) in listed for anchor in anchors if may_be_in(anchor, asked))
    if here(place.account, place.region, who) or any(found):
        return Surveyed(stages)
    return unproven(f"the stages of region {region} were listed", place.account, place.region, who)


def _all_stages(asking: Asking) -> tuple[ObservedStage, ...]:
    apis = [api for kind in StageKind for api in _apis(asking, kind)]
    listing = _Listing(asking, apis)
    workers = [start(listing.work) for _ in range(min(_THREADS, len(apis)))]
    try:
        for worker in workers:
            within(asking.patience, worker)
    except OverdueError:
        raise asking.overdue("GetStages") from None
    finally:
        listing.over.set()
    return listing.in_order()


def _apis(asking: Asking, kind: StageKind) -> tuple[Api, ...]:
    operation = "GetRestApis" if kind is StageKind.REST else "GetApis"
    apis = asking.ask(operation, lambda: asking.gateway.apis(asking.region, kind))
    asking.patience.answered()
    return apis


class _Listing:
    """The stages of many APIs, listed by several threads; the first failure, or the end of patience, stops all of them."""

    def __init__(self, asking: Asking, apis: Collection[Api]) -> None:
        self.over = Event()
        self._asking = asking
        self._apis = tuple(dict.fromkeys(apis))
        self._next: Iterator[Api] = iter(self._apis)
        self._lock = Lock()
        self._stages: dict[Api, tuple[ObservedStage, ...]] = {}

    def work(self) -> None:
        """List one API after another, until none is left."""
        while not self.over.is_set():
            with self._lock:
                api = next(self._next, None)
            if api is None:
                return
            try:
                self._stages[api] = self._asking.gateway.stages(self._asking.region, api)
            except GatewayError:
                self.over.set()
                raise
            self._asking.patience.answered()

    def in_order(self) -> tuple[ObservedStage, ...]:
        """The stages, in the order in which AWS lists their APIs."""
        return tuple(stage for api in self._apis for stage in self._stages[api])
