"""Asks one set of credentials everything that it can answer, each region at the same time as the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from checker.domain.observation import CertificateKey, Observation
from checker.domain.stage import Stage
from checker.live.acm import NO_ACM, is_arn, observe_acm, of_acm, place_of
from checker.live.anchors import in_region
from checker.live.asking import Asking
from checker.live.certificates import CertificateList
from checker.live.deadline import Interruption, TimeBudget, start
from checker.live.drift import in_survey, observe_drift, presented_besides, uncovered
from checker.live.gateway import Gateway
from checker.live.identity import Caller, identify
from checker.live.questions import ObservedAnswers, Questions
from checker.live.regions import sort
from checker.live.survey import observe_stages


@dataclass(slots=True, kw_only=True)
class Answering:
    """The answering of one set of credentials: a region has one list of certificates, whoever needs it.

    Each kind of question has the time for itself; what stages present besides is asked in what theirs leaves. `recorded` are the
    stages of all documents, `region` is that of what no document places; all such things have one.
    """

    gateway: Gateway
    recorded: Collection[Stage]
    region: str | None
    seconds: float
    interruption: Interruption
    _looks: dict[str, Asking] = field(default_factory=dict)
    _lists: dict[str, CertificateList] = field(default_factory=dict)

    def answer(self, questions: Questions) -> ObservedAnswers:
        """Put all questions at once, and wait for the answers; what stages turn out to present besides is asked for as well."""
        drifting = sort(questions.stages, lambda key: key.place, self.region).by_region
        surveyed = sort(questions.surveys, lambda place: place, self.region).by_region
        certificates = self._by_region(questions.certificates)
        managed = sort(questions.managed, place_of, None).by_region
        regions = sorted({*drifting, *surveyed, *certificates, *managed})
        identity = identify(self.gateway, regions, self._patience())
        answers = ObservedAnswers()
        asked = self._ask_for(certificates, managed, identity, self._about)
        censuses = [
            start(partial(observe_stages, self._looking(region), places, in_region(self.recorded, region, self.region), identity))
            for region, places in surveyed.items()
        ]
        looks = [
            start(partial(observe_drift, self._looking(region), uncovered(keys, surveyed.get(region, ())), identity))
            for region, keys in drifting.items()
        ]
        for certificate in asked:
            answers.certificates.update(certificate.result())
        for census in censuses:
            answers.surveys.update(census.result())
        for look in looks:
            answers.stages.update(look.result())
        answers.stages.update((key, in_survey(key, answers.surveys)) for key in questions.stages if key not in answers.stages)
        self._ask_besides(questions, answers, identity)
        for each in self._lists.values():
            answers.held.update(each.held())
        return answers

    def _ask_besides(self, questions: Questions, answers: ObservedAnswers, identity: Future[Caller]) -> None:
        besides = presented_besides(answers.stages, (*questions.certificates, *questions.managed))
        answers.certificates.update((key, NO_ACM) for key in besides if is_arn(key.id) and not of_acm(key.id))
        certificates = self._by_region(key for key in besides if not is_arn(key.id))
        managed = sort((key for key in besides if of_acm(key.id)), place_of, None).by_region
        for certificate in self._ask_for(certificates, managed, identity, self._looking):
            answers.certificates.update(certificate.result())

    def _ask_for(
        self,
        certificates: Mapping[str, Collection[CertificateKey]],
        managed: Mapping[str, Collection[CertificateKey]],
        identity: Future[Caller],
        about: Callable[[str], Asking],
    ) -> list[Future[Mapping[CertificateKey, Observation]]]:
        lists = [start(partial(self._list(about(region), identity).observe, keys)) for region, keys in certificates.items()]
        return [*lists, *(start(partial(observe_acm, about(region), keys, identity)) for region, keys in managed.items())]

    def _by_region(self, keys: Iterable[CertificateKey]) -> dict[str, list[CertificateKey]]:
        return sort(keys, lambda key: key.place, self.region).by_region

    def _list(self, asking: Asking, identity: Future[Caller]) -> CertificateList:
        known = self._lists.get(asking.region)
        if known is None:
            anchors = in_region(self.recorded, asking.region, self.region)
            known = self._lists[asking.region] = CertificateList(asking, anchors, identity)
        return known

    def _about(self, region: str) -> Asking:
        return Asking(gateway=self.gateway, region=region, patience=self._patience())

    def _looking(self, region: str) -> Asking:
        """What asks for stages of a region, and in the time that is left then for what they present besides."""
        return self._looks.setdefault(region, self._about(region))

    def _patience(self) -> TimeBudget:
        return TimeBudget(self.seconds, interruption=self.interruption)
