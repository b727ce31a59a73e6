"""What recorded stages present in AWS now: one call for each API that a document names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future

from checker.domain.observation import CertificateKey, Gone, ObservedPresence, ObservedStage, StageKey, Survey, Surveyed, Unanswered
from checker.domain.place import Place
from checker.domain.stage import Stage
from checker.domain.subjects import observable
from checker.live.asking import Asking
from checker.live.gateway import Api
from checker.live.identity import Caller, caller, elsewhere, here, unproven
from checker.live.listing import Listed, StageListing


def recorded_stages(stages: Iterable[Stage]) -> tuple[StageKey, ...]:
    """The stages that AWS can be asked for, each once; a document may leave out the API or the name of one."""
    return tuple(dict.fromkeys(key for stage in stages if (key := observable(stage)) is not None))


def uncovered(keys: Iterable[StageKey], surveyed: Collection[Place]) -> list[StageKey]:
    """The stages of a region that none of its surveys lists anyway."""
    return [key for key in keys if not any(_covers(place, key) for place in surveyed)]


def in_survey(key: StageKey, surveys: Mapping[Place, Survey]) -> ObservedPresence:
    """What the survey of its region says of a stage that was not asked for by itself."""
    survey = next(answer for place, answer in surveys.items() if _covers(place, key))
    match survey:
        case Surveyed(stages=stages):
            return _among(key, stages) or Gone()
        case Unanswered():
            return survey


def presented_besides(stages: Mapping[StageKey, ObservedPresence], asked: Collection[CertificateKey]) -> tuple[CertificateKey, ...]:
    """The certificates that stages turned out to present and that no document names: when they end is to be asked as well."""
    known = {(key.id, key.place.region) for key in asked}
    found = (
        CertificateKey(id=shown.certificate_id, place=key.place)
        for key, shown in stages.items()
        if isinstance(shown, ObservedStage) and shown.certificate_id and (shown.certificate_id, key.place.region) not in known
    )
    return tuple(dict.fromkeys(found))


def _covers(surveyed: Place, key: StageKey) -> bool:
    return surveyed.region == key.place.region and surveyed.account in {None, key.place.account}


def observe_drift(asking: Asking, keys: Collection[StageKey], identity: Future[Caller]) -> Mapping[StageKey, ObservedPresence]:
    """List the stages of each API once, and say of each recorded stage what it presents; none of another account is asked for.

    What fails for one API touches its stages alone, unless nothing else of the region would be answered either.
    """
    who = caller(identity, asking.patience)
    foreign = {key: other for key in keys if (other := elsewhere(key.place.account, who)) is not None}
    own = [key for key in keys if key not in foreign]
    apis = {key: Api(kind=key.kind, id=key.api_id) for key in own}
    listing = StageListing(asking, apis.values())
    listing.run()
    return {**foreign, **{key: _presence(asking, key, listing.of(api), who) for key, api in apis.items()}}


def _presence(asking: Asking, key: StageKey, listed: Listed, who: Caller) -> ObservedPresence:
    match listed:
        case Unanswered():
            return listed
        case Gone():
            found = None
        case stages:
            found = _among(key, stages)
    if found is not None:
        return found
    if here(key.place.account, key.place.region, who):
        return Gone()
    return unproven(f"stage {key.api_id}/{key.name} is not in region {asking.region}", key.place.account, key.place.region, who)


def _among(key: StageKey, stages: Iterable[ObservedStage]) -> ObservedStage | None:
    wanted = (key.kind, key.api_id, key.name)
    return next((stage for stage in stages if (stage.kind, stage.api_id, stage.name) == wanted), None)
