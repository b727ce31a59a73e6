"""Queries for stages: surveys of places, and drift of recorded stages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future

from checker.analysis.certificate_uses import stage_key
from checker.aws.certificates import VANISHED, Listed, StageListing, list_apis
from checker.aws.deadline import RegionalGateway
from checker.aws.gateway import Api, GatewayError
from checker.aws.identity import (
    Anchor,
    Caller,
    KnownCaller,
    is_confirmed_place,
    may_be_in,
    other_account_answer,
    unconfirmed_account,
    wait_for_caller,
)
from checker.model.observation import (
    CertificateKey,
    Gone,
    ObservedPresence,
    ObservedStage,
    StageKey,
    Survey,
    Surveyed,
    Unanswered,
)
from checker.model.places import Place
from checker.model.resources import Stage, StageKind


def observe_stages(
    regional: RegionalGateway,
    places: Collection[Place],
    anchors: Collection[Anchor],
    identity: Future[Caller],
) -> Mapping[Place, Survey]:
    """List every REST and WebSocket stage of a region once, and return the survey of each place.

    A survey is unanswered if the list may be that of another account.
    """
    try:
        stages = _all_stages(regional)
    except GatewayError as error:
        why = error.unanswered
        incomplete = Unanswered(
            reason=f"not every stage could be listed: {why.reason}", remedy=why.remedy
        )
        return dict.fromkeys(places, incomplete)
    who = wait_for_caller(identity, regional.budget)
    return {place: _judged(place, regional.region, stages, anchors, who) for place in places}


def _judged(
    place: Place,
    region: str,
    stages: tuple[ObservedStage, ...],
    anchors: Collection[Anchor],
    who: Caller,
) -> Survey:
    other = other_account_answer(place.account, who)
    if other is not None:
        return other
    asked = who.account if isinstance(who, KnownCaller) else place.account
    listed = {(stage.kind, stage.api_id, stage.name) for stage in stages}
    found = (
        (anchor.kind, anchor.api_id, anchor.name) in listed
        for anchor in anchors
        if may_be_in(anchor, asked)
    )
    if is_confirmed_place(place.account, place.region, who) or any(found):
        return Surveyed(stages)
    return unconfirmed_account(
        f"the stages of region {region} were listed", place.account, place.region, who
    )


def _all_stages(regional: RegionalGateway) -> tuple[ObservedStage, ...]:
    apis = [api for kind in StageKind for api in list_apis(regional, kind)]
    listing = StageListing(regional, apis, whole=True)
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


def recorded_stages(stages: Iterable[Stage]) -> tuple[StageKey, ...]:
    """Return the stages that AWS can be asked for, each once.

    A document may lack the API or the name of a stage; that stage is skipped.
    """
    return tuple(dict.fromkeys(key for stage in stages if (key := stage_key(stage)) is not None))


def stages_without_survey(keys: Iterable[StageKey], surveyed: Collection[Place]) -> list[StageKey]:
    """Return the stages of a region that none of its surveys lists."""
    return [key for key in keys if not any(_covers(place, key) for place in surveyed)]


def survey_answer(key: StageKey, surveys: Mapping[Place, Survey]) -> ObservedPresence:
    """Return the answer of a region's survey about a stage."""
    survey = next(answer for place, answer in surveys.items() if _covers(place, key))
    match survey:
        case Surveyed(stages=stages):
            return _among(key, stages) or Gone()
        case Unanswered():
            return survey


def undocumented_certificates(
    stages: Mapping[StageKey, ObservedPresence], asked: Collection[CertificateKey]
) -> tuple[CertificateKey, ...]:
    """Return the certificates that stages present and no document names.

    Their ends must be requested as well.
    """
    known = {(key.id, key.place.region) for key in asked}
    found = (
        CertificateKey(id=shown.certificate_id, place=key.place)
        for key, shown in stages.items()
        if isinstance(shown, ObservedStage)
        and shown.certificate_id
        and (shown.certificate_id, key.place.region) not in known
    )
    return tuple(dict.fromkeys(found))


def _covers(surveyed: Place, key: StageKey) -> bool:
    return surveyed.region == key.place.region and surveyed.account in {None, key.place.account}


def observe_drift(
    regional: RegionalGateway, keys: Collection[StageKey], identity: Future[Caller]
) -> Mapping[StageKey, ObservedPresence]:
    """Return the current presence of each recorded stage; it lists the stages of each API once.

    Stages of another account are not requested. A failure for one API affects only its stages,
    unless nothing else in the region would be answered either.
    """
    who = wait_for_caller(identity, regional.budget)
    foreign = {
        key: other
        for key in keys
        if (other := other_account_answer(key.place.account, who)) is not None
    }
    own = [key for key in keys if key not in foreign]
    apis = {key: Api(kind=key.kind, id=key.api_id) for key in own}
    listing = StageListing(regional, apis.values())
    listing.run()
    return {
        **foreign,
        **{key: _presence(regional, key, listing.of(api), who) for key, api in apis.items()},
    }


def _presence(
    regional: RegionalGateway, key: StageKey, listed: Listed, who: Caller
) -> ObservedPresence:
    match listed:
        case Unanswered():
            return listed
        case Gone():
            found = None
        case stages:
            found = _among(key, stages)
    if found is not None:
        return found
    if is_confirmed_place(key.place.account, key.place.region, who):
        return Gone()
    return unconfirmed_account(
        f"stage {key.api_id}/{key.name} is not in region {regional.region}",
        key.place.account,
        key.place.region,
        who,
    )


def _among(key: StageKey, stages: Iterable[ObservedStage]) -> ObservedStage | None:
    wanted = (key.kind, key.api_id, key.name)
    return next(
        (stage for stage in stages if (stage.kind, stage.api_id, stage.name) == wanted), None
    )
