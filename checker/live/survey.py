"""Every stage of one region: what a certificate must be looked for on before it may go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future

from checker.domain.observation import Gone, ObservedStage, Survey, Surveyed, Unanswered
from checker.domain.place import Place
from checker.domain.stage import StageKind
from checker.live.anchors import Anchor, may_be_in
from checker.live.asking import Asking
from checker.live.gateway import GatewayError
from checker.live.identity import Caller, KnownCaller, caller, elsewhere, here, unproven
from checker.live.listing import VANISHED, StageListing, apis_of


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
    apis = [api for kind in StageKind for api in apis_of(asking, kind)]
    listing = StageListing(asking, apis, whole=True)
    listing.run()
    stages: list[ObservedStage] = []
    for api in dict.fromkeys(apis):
        match listing.of(api):
            case Unanswered(reason=reason, remedy=remedy):
                raise GatewayError(reason, remedy)
            case Gone():
                raise GatewayError(VANISHED.reason, VANISHED.remedy)
            case found:
                stages.extend(found)
    return tuple(stages)
