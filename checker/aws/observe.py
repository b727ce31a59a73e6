"""The AWS queries of a check, for all accounts and regions at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

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
    Caller,
    anchors_in_region,
    default_region,
    group_by_region,
    identify,
    ignored_region_notice,
)
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
    Observation,
    Observations,
    ObservedPresence,
    StageKey,
    Survey,
    Unanswered,
)
from checker.model.places import Place
from checker.model.resources import Presents, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAnswers:
    """The answers to the questions, one for each."""

    certificates: dict[CertificateKey, Observation] = field(default_factory=dict)
    surveys: dict[Place, Survey] = field(default_factory=dict)
    stages: dict[StageKey, ObservedPresence] = field(default_factory=dict)
    held: dict[Place, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """The questions for one set of credentials, each once.

    `certificates` are those of API Gateway, `managed` those of ACM. `surveys` are places to list,
    and `stages` the stages to check for drift.
    """

    certificates: dict[CertificateKey, None] = field(default_factory=dict)
    managed: dict[CertificateKey, None] = field(default_factory=dict)
    surveys: dict[Place, None] = field(default_factory=dict)
    stages: dict[StageKey, None] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        """Return the recorded places, without those of ACM: an ARN includes its place."""
        return [
            *(key.place for key in self.certificates),
            *(key.place for key in self.stages),
            *self.surveys,
        ]

    def apart(self, region: str | None) -> tuple[Questions, Questions]:
        """Return the questions that have a region (their own, or else this one), and the others."""
        if region is not None:
            return self, Questions()
        placed, nowhere = Questions(managed=self.managed), Questions()
        for key in self.certificates:
            (placed if key.place.region else nowhere).certificates[key] = None
        for place in self.surveys:
            (placed if place.region else nowhere).surveys[place] = None
        for stage in self.stages:
            (placed if stage.place.region else nowhere).stages[stage] = None
        return placed, nowhere

    def all_answered(self, why: Unanswered) -> ObservedAnswers:
        """Return the same answer to every question."""
        return ObservedAnswers(
            certificates=dict.fromkeys((*self.certificates, *self.managed), why),
            surveys=dict.fromkeys(self.surveys, why),
            stages=dict.fromkeys(self.stages, why),
        )


def split_by_account(
    connection: Connection,
    *,
    certificates: Iterable[CertificateKey],
    surveys: Iterable[Place],
    stages: Iterable[StageKey],
    recorded: Collection[Stage],
) -> Mapping[Role | None, Questions]:
    """Divide the questions by the role for their account.

    Questions whose account no document records use the run's own credentials. `recorded` are
    stages: the account of a stage is also that of the certificate that it presents.
    """
    homes = _homes(recorded)
    divided: dict[Role | None, Questions] = {}

    def of(place: Place) -> Questions:
        return divided.setdefault(connection.role_for(place), Questions())

    for key in certificates:
        if is_acm_arn(key.id):
            of(acm_place(key)).managed[key] = None
        else:
            of(key.place.or_else(homes.get((key.id, key.place.region), Place()))).certificates[
                key
            ] = None
    for place in surveys:
        of(place).surveys[place] = None
    for stage in stages:
        of(stage.place).stages[stage] = None
    return divided


def _homes(recorded: Collection[Stage]) -> dict[tuple[str, str | None], Place]:
    """Return the place of each presented certificate, by its id and region.

    If stages disagree about the account, the place is empty.
    """
    homes: dict[tuple[str, str | None], Place] = {}
    for stage in recorded:
        if isinstance(stage.presents, Presents) and stage.place.account is not None:
            at = (stage.presents.id, stage.place.region)
            known = homes.setdefault(at, stage.place)
            if known.account != stage.place.account:
                homes[at] = Place()
    return homes


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
    _looks: dict[str, RegionalGateway] = field(default_factory=dict)
    _lists: dict[str, CertificateList] = field(default_factory=dict)

    def answer(self, questions: Questions) -> ObservedAnswers:
        """Ask all questions at once, and wait for the answers.

        It also asks for certificates that stages turn out to present.
        """
        drifting = group_by_region(questions.stages, lambda key: key.place, self.region).by_region
        surveyed = group_by_region(questions.surveys, lambda place: place, self.region).by_region
        certificates = self._by_region(questions.certificates)
        managed = group_by_region(questions.managed, acm_place, None).by_region
        regions = sorted({*drifting, *surveyed, *certificates, *managed})
        identity = identify(self.gateway, regions, self._patience())
        answers = ObservedAnswers()
        asked = self._ask_for(certificates, managed, identity, self._about)
        censuses = [
            start_thread(
                partial(
                    observe_stages,
                    self._looking(region),
                    places,
                    anchors_in_region(self.recorded, region, self.region),
                    identity,
                )
            )
            for region, places in surveyed.items()
        ]
        looks = [
            start_thread(
                partial(
                    observe_drift,
                    self._looking(region),
                    stages_without_survey(keys, surveyed.get(region, ())),
                    identity,
                )
            )
            for region, keys in drifting.items()
        ]
        for certificate in asked:
            answers.certificates.update(certificate.result())
        for census in censuses:
            answers.surveys.update(census.result())
        for look in looks:
            answers.stages.update(look.result())
        answers.stages.update(
            (key, survey_answer(key, answers.surveys))
            for key in questions.stages
            if key not in answers.stages
        )
        self._ask_besides(questions, answers, identity)
        for each in self._lists.values():
            answers.held.update(each.held())
        return answers

    def _ask_besides(
        self, questions: Questions, answers: ObservedAnswers, identity: Future[Caller]
    ) -> None:
        besides = undocumented_certificates(
            answers.stages, (*questions.certificates, *questions.managed)
        )
        answers.certificates.update(
            (key, NO_ACM) for key in besides if is_arn(key.id) and not is_acm_arn(key.id)
        )
        certificates = self._by_region(key for key in besides if not is_arn(key.id))
        managed = group_by_region(
            (key for key in besides if is_acm_arn(key.id)), acm_place, None
        ).by_region
        for certificate in self._ask_for(certificates, managed, identity, self._looking):
            answers.certificates.update(certificate.result())

    def _ask_for(
        self,
        certificates: Mapping[str, Collection[CertificateKey]],
        managed: Mapping[str, Collection[CertificateKey]],
        identity: Future[Caller],
        about: Callable[[str], RegionalGateway],
    ) -> list[Future[Mapping[CertificateKey, Observation]]]:
        lists = [
            start_thread(partial(self._list(about(region), identity).observe, keys))
            for region, keys in certificates.items()
        ]
        return [
            *lists,
            *(
                start_thread(partial(observe_acm, about(region), keys, identity))
                for region, keys in managed.items()
            ),
        ]

    def _by_region(self, keys: Iterable[CertificateKey]) -> dict[str, list[CertificateKey]]:
        return group_by_region(keys, lambda key: key.place, self.region).by_region

    def _list(self, asking: RegionalGateway, identity: Future[Caller]) -> CertificateList:
        known = self._lists.get(asking.region)
        if known is None:
            anchors = anchors_in_region(self.recorded, asking.region, self.region)
            known = self._lists[asking.region] = CertificateList(asking, anchors, identity)
        return known

    def _about(self, region: str) -> RegionalGateway:
        return RegionalGateway(gateway=self.gateway, region=region, patience=self._patience())

    def _looking(self, region: str) -> RegionalGateway:
        """Return the gateway for the stages of a region.

        Certificates that these stages turn out to present share its remaining time.
        """
        return self._looks.setdefault(region, self._about(region))

    def _patience(self) -> TimeBudget:
        return TimeBudget(self.seconds, interruption=self.interruption)


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
    certificates: dict[CertificateKey, Observation] = {
        key: NO_ACM for key in wanted if is_arn(key.id) and not is_acm_arn(key.id)
    }
    divided = split_by_account(
        connection,
        certificates=(key for key in wanted if key not in certificates),
        surveys=surveys,
        stages=recorded_stages(drift),
        recorded=anchors,
    )
    if not divided:
        return Observations(asked=True, certificates=certificates)

    reached = gateways if gateways is not None else BotoGateways(connection)
    region, no_region = default_region(
        reached, [place for questions in divided.values() for place in questions.places]
    )
    interruption = Interruption()
    rounds: list[Future[ObservedAnswers]] = []
    answers = [ObservedAnswers(certificates=certificates)]
    for role, questions in divided.items():
        placed, nowhere = questions.apart(region)
        answers.append(nowhere.all_answered(no_region))
        answering = AccountObserver(
            gateway=reached.of(role),
            recorded=anchors,
            region=region,
            seconds=connection.timeout,
            interruption=interruption,
        )
        rounds.append(start_thread(partial(answering.answer, placed)))
    answers += gather(rounds, interruption)
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
            *ignored_region_notice(connection.region, named),
            *(INTERRUPTED if interruption.wished else ()),
        ),
        interrupted=interruption.wished,
    )
