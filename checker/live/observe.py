"""Asks AWS everything that a run needs to know, each region at the same time as the others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from checker.domain.observation import CertificateKey, Observation, Observations, ObservedPresence, StageKey, Survey
from checker.domain.place import Place
from checker.domain.stage import Stage
from checker.live.acm import NO_ACM, is_arn, observe_acm, of_acm, place_of
from checker.live.anchors import in_region
from checker.live.asking import Asking
from checker.live.boto_gateway import BotoGateway
from checker.live.certificates import observe_certificates
from checker.live.connection import Connection
from checker.live.deadline import Patience, start
from checker.live.drift import in_survey, observe_drift, presented_besides, recorded_stages, uncovered
from checker.live.gateway import Gateway
from checker.live.identity import identify
from checker.live.regions import default_region, overruled, sort
from checker.live.survey import observe_stages


def observe(
    wanted: Collection[CertificateKey],
    surveys: Collection[Place],
    anchors: Collection[Stage],
    *,
    connection: Connection,
    connect: Callable[[Connection], Gateway] = BotoGateway,
    drift: bool = False,
) -> Observations:
    """Ask whether certificates are there and until when, and which stages there are in some places.

    `wanted` are the certificates; a region that is not recorded is the connection's. One that is named by an ARN is asked of ACM,
    and ACM is asked of no other. `surveys` are places of which every stage is listed. `anchors` are recorded stages: where no
    document says whose a certificate is, one of them that AWS has proves that the account is the right one. With `drift` it is
    asked what each of them presents now, and until when whatever that is. Every key, place and stage gets an answer, and
    nothing is raised for what AWS does. It takes no longer than the connection's timeout, or a second more for each answer of
    what takes many calls (a survey, ACM, drift).
    """
    certificates: dict[CertificateKey, Observation] = {key: NO_ACM for key in wanted if is_arn(key.id) and not of_acm(key.id)}
    places: dict[Place, Survey] = {}
    keys = [key for key in wanted if not is_arn(key.id)]
    managed = sort(dict.fromkeys(key for key in wanted if of_acm(key.id)), place_of, None).by_region
    recorded_now = recorded_stages(anchors) if drift else ()
    if not keys and not surveys and not managed and not recorded_now:
        return Observations(asked=True, certificates=certificates)

    gateway = connect(connection)
    default, no_region = default_region(gateway, [*(key.place for key in keys), *(key.place for key in recorded_now), *surveys])
    keyed = sort(dict.fromkeys(keys), lambda key: key.place, default)
    surveyed = sort(dict.fromkeys(surveys), lambda place: place, default)
    certificates |= dict.fromkeys(keyed.nowhere, no_region)
    places |= dict.fromkeys(surveyed.nowhere, no_region)
    drifting = sort(recorded_now, lambda key: key.place, default)
    stages: dict[StageKey, ObservedPresence] = dict.fromkeys(drifting.nowhere, no_region)
    regions = sorted({*keyed.by_region, *surveyed.by_region, *managed, *drifting.by_region})

    def about(region: str) -> Asking:
        return Asking(gateway=gateway, region=region, patience=Patience(connection.timeout))

    identity = identify(gateway, regions, Patience(connection.timeout))
    listings = {
        region: start(partial(observe_certificates, about(region), asked, in_region(anchors, region, default), identity))
        for region, asked in keyed.by_region.items()
    }
    censuses = [
        start(partial(observe_stages, about(region), asked, in_region(anchors, region, default), identity))
        for region, asked in surveyed.by_region.items()
    ]
    managed_looks = [start(partial(observe_acm, about(region), asked, identity)) for region, asked in managed.items()]
    looks = [
        start(partial(observe_drift, about(region), uncovered(asked, surveyed.by_region.get(region, ())), identity))
        for region, asked in drifting.by_region.items()
    ]
    listed = {region: listing.result() for region, listing in listings.items()}
    for region_list in listed.values():
        certificates |= region_list.answers
    for managed_look in managed_looks:
        certificates |= managed_look.result()
    for census in censuses:
        places |= census.result()
    for look in looks:
        stages |= look.result()
    stages |= {key: in_survey(key, places) for key in recorded_now if key not in stages}
    unasked = presented_besides(stages, wanted)
    if unasked:
        certificates |= observe(unasked, (), anchors, connection=connection, connect=lambda _: gateway).certificates
    recorded = {place.region for place in [*(key.place for key in keys), *surveys] if place.region}
    return Observations(
        asked=True,
        certificates=certificates,
        surveys=places,
        stages=stages,
        held={region: found.held for region, found in listed.items() if found.held is not None},
        calls=gateway.calls(),
        notices=overruled(connection.region, recorded),
    )
