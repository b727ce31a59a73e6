"""Asks AWS everything that a run needs to know, each account and region at the same time as the others."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from functools import partial

from checker.domain.observation import CertificateKey, Observation, Observations
from checker.domain.place import Place
from checker.domain.stage import Stage
from checker.live.acm import NO_ACM, is_arn, of_acm
from checker.live.answering import Answering
from checker.live.boto_gateway import BotoGateways
from checker.live.connection import Connection
from checker.live.deadline import INTERRUPTED, Interruption, gathered, start
from checker.live.drift import recorded_stages
from checker.live.gateway import Gateways
from checker.live.questions import ObservedAnswers, divide
from checker.live.regions import default_region, overruled


def observe(
    wanted: Collection[CertificateKey],
    surveys: Collection[Place],
    anchors: Collection[Stage],
    *,
    connection: Connection,
    gateways: Gateways | None = None,
    drift: bool = False,
) -> Observations:
    """Ask whether certificates are there and until when, and which stages there are in some places.

    `wanted` are the certificates; a region that is not recorded is the connection's. One that is named by an ARN is asked of ACM,
    and ACM is asked of no other. `surveys` are places of which every stage is listed. `anchors` are recorded stages: where no
    document says whose a certificate is, one of them that AWS has proves that the account is the right one. With `drift` it is
    asked what each of them presents now, and until when whatever that is. Each account is asked in the role that the connection
    has for it. Every key, place and stage gets an answer, and nothing is raised for what AWS does.

    It takes no longer than the connection's timeout, or a second more for each answer of what takes many calls (a survey, ACM,
    drift). Ctrl-C ends the waiting: what was not answered by then is unanswered, and the observations say so.
    """
    certificates: dict[CertificateKey, Observation] = {key: NO_ACM for key in wanted if is_arn(key.id) and not of_acm(key.id)}
    divided = divide(
        connection,
        certificates=(key for key in wanted if key not in certificates),
        surveys=surveys,
        stages=recorded_stages(anchors) if drift else (),
        recorded=anchors,
    )
    if not divided:
        return Observations(asked=True, certificates=certificates)

    reached = gateways if gateways is not None else BotoGateways(connection)
    region, no_region = default_region(reached, [place for questions in divided.values() for place in questions.places])
    interruption = Interruption()
    rounds: list[Future[ObservedAnswers]] = []
    answers = [ObservedAnswers(certificates=certificates)]
    for role, questions in divided.items():
        placed, nowhere = questions.apart(region)
        answers.append(nowhere.all_answered(no_region))
        answering = Answering(
            gateway=reached.of(role), recorded=anchors, region=region, seconds=connection.timeout, interruption=interruption
        )
        rounds.append(start(partial(answering.answer, placed)))
    answers += gathered(rounds, interruption)
    places = [*(key.place for key in wanted if not is_arn(key.id)), *surveys]
    named = {place.region for place in places if place.region}
    return Observations(
        asked=True,
        certificates={key: said for each in answers for key, said in each.certificates.items()},
        surveys={place: said for each in answers for place, said in each.surveys.items()},
        stages={key: said for each in answers for key, said in each.stages.items()},
        held={place: count for each in answers for place, count in each.held.items()},
        traffic=reached.traffic(),
        notices=(
            *overruled(connection.region, named),
            *(INTERRUPTED if interruption.wished else ()),
        ),
        interrupted=interruption.wished,
    )
