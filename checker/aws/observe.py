"""The AWS queries of a check, for all accounts and regions at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from checker.aws.boto_gateway import BotoGateways
from checker.aws.certificates import (
    NO_ACM,
    CertificateList,
    acm_place,
    is_acm_arn,
    is_arn,
    observe_acm,
)
from checker.aws.connection import Connection, Role
from checker.aws.deadline import (
    INTERRUPTED,
    Interruption,
    RegionalGateway,
    TimeBudget,
    gather,
    start_thread,
)
from checker.aws.gateway import Gateway, Gateways
from checker.aws.identity import (
    Anchor,
    Caller,
    anchors_in_region,
    default_region,
    group_by_region,
    identify,
    ignored_region_notice,
)
from checker.aws.questions import ObservedAnswers, Questions, split_by_account
from checker.aws.stages import (
    observe_drift,
    observe_stages,
    recorded_stages,
    stages_without_survey,
    survey_answer,
    undocumented_certificates,
)
from checker.model.observation import (
    CertificateKey,
    Observations,
    StageKey,
)
from checker.model.places import Place
from checker.model.resources import Stage


@dataclass(slots=True, kw_only=True)
class AccountObserver:
    """The queries with one set of credentials; it lists the certificates of a region once.

    Each kind of question has its own time budget; certificates that stages turn out to present are
    requested in the time left for the stages. `recorded` are the stages of all documents. `region`
    is the region for everything that no document places; None if there is no such thing.
    """

    gateway: Gateway
    recorded: Collection[Stage]
    region: str | None
    seconds: float
    interruption: Interruption
    _stage_gateways: dict[str, RegionalGateway] = field(default_factory=dict)
    _lists: dict[str, CertificateList] = field(default_factory=dict)

    def answer(self, questions: Questions) -> ObservedAnswers:
        """Ask all questions at once, and wait for the answers.

        It also asks for certificates that stages turn out to present.
        """
        certificates = self._by_region(questions.certificates)
        managed = group_by_region(questions.managed, acm_place, None).by_region
        surveys = group_by_region(questions.surveys, lambda place: place, self.region).by_region
        stages = group_by_region(questions.stages, lambda key: key.place, self.region).by_region
        regions = sorted({*certificates, *managed, *surveys, *stages})
        identity = identify(self.gateway, regions, self._budget())
        asked = _run_all(
            chain(
                self._certificate_queries(certificates, managed, identity, self._regional),
                self._stage_queries(stages, surveys, identity),
            )
        )
        answers = ObservedAnswers.merge((asked, _stages_in_surveys(questions.stages, asked)))
        return ObservedAnswers.merge(
            (answers, self._undocumented(questions, answers, identity), self._counts())
        )

    def _stage_queries(
        self,
        stages: Mapping[str, Collection[StageKey]],
        surveys: Mapping[str, Collection[Place]],
        identity: Future[Caller],
    ) -> Iterator[_Query]:
        """Yield the queries of surveys, and of the stages that no survey lists."""
        for region, places in surveys.items():
            anchors = anchors_in_region(self.recorded, region, self.region)
            yield partial(_in_survey, self._stage_gateway(region), places, anchors, identity)
        for region, keys in stages.items():
            unlisted = stages_without_survey(keys, surveys.get(region, ()))
            yield partial(_in_drift, self._stage_gateway(region), unlisted, identity)

    def _undocumented(
        self, questions: Questions, known: ObservedAnswers, identity: Future[Caller]
    ) -> ObservedAnswers:
        """Return the answers about certificates that stages present and no document names."""
        found = undocumented_certificates(
            known.stages, (*questions.certificates, *questions.managed)
        )
        certificates = self._by_region(key for key in found if not is_arn(key.id))
        acm = (key for key in found if is_acm_arn(key.id))
        managed = group_by_region(acm, acm_place, None).by_region
        queries = self._certificate_queries(certificates, managed, identity, self._stage_gateway)
        return ObservedAnswers.merge((_other_arns(found), _run_all(queries)))

    def _certificate_queries(
        self,
        certificates: Mapping[str, Collection[CertificateKey]],
        managed: Mapping[str, Collection[CertificateKey]],
        identity: Future[Caller],
        gateway_in: Callable[[str], RegionalGateway],
    ) -> Iterator[_Query]:
        """Yield the queries of certificates of API Gateway, and of ACM."""
        for region, keys in certificates.items():
            yield partial(_in_list, self._list(gateway_in(region), identity), keys)
        for region, keys in managed.items():
            yield partial(_in_acm, gateway_in(region), keys, identity)

    def _counts(self) -> ObservedAnswers:
        """Return the number of certificates of each region whose list has arrived."""
        return ObservedAnswers.merge(
            ObservedAnswers(counts=each.counts()) for each in self._lists.values()
        )

    def _by_region(self, keys: Iterable[CertificateKey]) -> dict[str, list[CertificateKey]]:
        return group_by_region(keys, lambda key: key.place, self.region).by_region

    def _list(self, regional: RegionalGateway, identity: Future[Caller]) -> CertificateList:
        known = self._lists.get(regional.region)
        if known is None:
            anchors = anchors_in_region(self.recorded, regional.region, self.region)
            known = self._lists[regional.region] = CertificateList(regional, anchors, identity)
        return known

    def _regional(self, region: str) -> RegionalGateway:
        return RegionalGateway(gateway=self.gateway, region=region, budget=self._budget())

    def _stage_gateway(self, region: str) -> RegionalGateway:
        """Return the gateway for the stages of a region.

        Certificates that these stages turn out to present share its remaining time.
        """
        return self._stage_gateways.setdefault(region, self._regional(region))

    def _budget(self) -> TimeBudget:
        return TimeBudget(self.seconds, interruption=self.interruption)


_Query = Callable[[], ObservedAnswers]


def _run_all(queries: Iterable[_Query]) -> ObservedAnswers:
    """Start all queries, then wait for each, and join their answers."""
    started = [start_thread(query) for query in queries]
    return ObservedAnswers.merge(work.result() for work in started)


def _in_list(listed: CertificateList, keys: Collection[CertificateKey]) -> ObservedAnswers:
    return ObservedAnswers(certificates=listed.observe(keys))


def _in_acm(
    regional: RegionalGateway, keys: Collection[CertificateKey], identity: Future[Caller]
) -> ObservedAnswers:
    return ObservedAnswers(certificates=observe_acm(regional, keys, identity))


def _in_survey(
    regional: RegionalGateway,
    places: Collection[Place],
    anchors: Collection[Anchor],
    identity: Future[Caller],
) -> ObservedAnswers:
    return ObservedAnswers(surveys=observe_stages(regional, places, anchors, identity))


def _in_drift(
    regional: RegionalGateway, keys: Collection[StageKey], identity: Future[Caller]
) -> ObservedAnswers:
    return ObservedAnswers(stages=observe_drift(regional, keys, identity))


def _other_arns(keys: Iterable[CertificateKey]) -> ObservedAnswers:
    """Return the answers about ARNs that are not of ACM, without a call."""
    return ObservedAnswers(
        certificates={key: NO_ACM for key in keys if is_arn(key.id) and not is_acm_arn(key.id)}
    )


def _stages_in_surveys(keys: Iterable[StageKey], answers: ObservedAnswers) -> ObservedAnswers:
    """Return the answers of the surveys about the stages that have no other answer."""
    return ObservedAnswers(
        stages={
            key: survey_answer(key, answers.surveys) for key in keys if key not in answers.stages
        }
    )


def observe(
    wanted: Collection[CertificateKey],
    surveys: Collection[Place],
    anchors: Collection[Stage],
    *,
    connection: Connection,
    gateways: Gateways | None = None,
    drift: Collection[Stage] = (),
) -> Observations:
    """Ask AWS for certificates and their ends, and for the stages of some places.

    `wanted` are the certificates. If the region of one is not recorded, the connection's region is
    used. A certificate with an ARN is looked up in ACM, all others in API Gateway. `surveys` are
    places whose stages are all listed. `anchors` are recorded stages: if no document records the
    account of a certificate, one of them that AWS has proves that the account is the right one.
    `drift` are the stages whose current certificate and its end are requested as well. Each account
    is asked with the role that the connection has for it. Every key, place and stage gets an
    answer, and no failure of AWS raises.

    It takes at most the connection's timeout, plus one second for each answer of queries with many
    calls (a survey, ACM, drift). Ctrl-C ends the waiting: the remaining questions are unanswered,
    and the observations have a notice.
    """
    other = _other_arns(wanted)
    divided = split_by_account(
        connection,
        certificates=(key for key in wanted if key not in other.certificates),
        surveys=surveys,
        stages=recorded_stages(drift),
        recorded=anchors,
    )
    if not divided:
        return Observations(asked=True, certificates=other.certificates)

    reached = gateways if gateways is not None else BotoGateways(connection)
    interruption = Interruption()
    answers = ObservedAnswers.merge(
        (
            other,
            _ask_accounts(
                divided,
                reached,
                recorded=anchors,
                seconds=connection.timeout,
                interruption=interruption,
            ),
        )
    )
    places = [*(key.place for key in wanted if not is_arn(key.id)), *surveys]
    named = {place.region for place in places if place.region}
    return Observations(
        asked=True,
        certificates=answers.certificates,
        surveys=answers.surveys,
        stages=answers.stages,
        certificate_counts=answers.counts,
        traffic=reached.traffic(),
        notices=(
            *ignored_region_notice(connection.region, named),
            *(INTERRUPTED if interruption.requested else ()),
        ),
        interrupted=interruption.requested,
    )


def _ask_accounts(
    divided: Mapping[Role | None, Questions],
    gateways: Gateways,
    *,
    recorded: Collection[Stage],
    seconds: float,
    interruption: Interruption,
) -> ObservedAnswers:
    """Ask all accounts at once, each with its own role; wait for the answers."""
    region, no_region = default_region(
        gateways, [place for questions in divided.values() for place in questions.places]
    )
    unplaced: list[ObservedAnswers] = []
    rounds: list[Future[ObservedAnswers]] = []
    for role, questions in divided.items():
        placed, nowhere = questions.divide(region)
        unplaced.append(nowhere.all_answered(no_region))
        observer = AccountObserver(
            gateway=gateways.of(role),
            recorded=recorded,
            region=region,
            seconds=seconds,
            interruption=interruption,
        )
        rounds.append(start_thread(partial(observer.answer, placed)))
    return ObservedAnswers.merge((*unplaced, *gather(rounds, interruption)))
