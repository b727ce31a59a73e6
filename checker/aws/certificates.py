"""Queries for client certificates, ACM certificates, and the stages of APIs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock

from checker.aws.deadline import OverdueError, RegionalGateway, start_thread, wait_for_result
from checker.aws.gateway import Api, GatewayError, MissingError, UnreachableError
from checker.aws.identity import (
    Anchor,
    Caller,
    KnownCaller,
    account_by,
    is_confirmed_place,
    other_account_answer,
    proving_anchors,
    unconfirmed_account,
    wait_for_caller,
)
from checker.model.observation import CertificateKey, Gone, Observation, ObservedStage, Unanswered
from checker.model.places import Place, place_of_arn
from checker.model.resources import StageKind, kind_of


class CertificateList:
    """The certificates of a region: requested once, at creation, and then used for every check."""

    def __init__(
        self, regional: RegionalGateway, anchors: Collection[Anchor], identity: Future[Caller]
    ) -> None:
        self._regional = regional
        self._anchors = anchors
        self._identity = identity
        self._listed = start_thread(partial(regional.gateway.certificates, regional.region))

    def observe(self, keys: Collection[CertificateKey]) -> Mapping[CertificateKey, Observation]:
        """Return for each certificate whether it exists.

        A certificate that is not in the list is Gone only if its account and region are confirmed.
        Either both are recorded, the region is this one, and STS confirms the account. Or a
        recorded stage is found there.
        """
        try:
            known = self._regional.wait_for("GetClientCertificates", self._listed)
        except GatewayError as error:
            return dict.fromkeys(keys, error.unanswered)
        who = wait_for_caller(self._identity, self._regional.budget)
        proof = _Proof(self._regional, who, self._anchors)
        observed: dict[CertificateKey, Observation] = {}
        for key in keys:
            recorded = key.place.account or account_by(self._anchors, key.id)
            observed[key] = (
                other_account_answer(recorded, who)
                or known.get(key.id)
                or proof.absent(key, recorded)
            )
        return observed

    def counts(self) -> Mapping[Place, int]:
        """Return the number of certificates of the account in the region, if both are known now."""
        if not self._listed.done() or self._listed.exception() is not None:
            return {}
        who = (
            wait_for_caller(self._identity, self._regional.budget)
            if self._identity.done()
            else None
        )
        account = who.account if isinstance(who, KnownCaller) else None
        return {Place(None, account, self._regional.region): len(self._listed.result())}


@dataclass(slots=True)
class _Proof:
    """The check that a missing certificate was looked for in the right account.

    It asks for each stage once at most.
    """

    regional: RegionalGateway
    who: Caller
    anchors: Collection[Anchor]
    seen: dict[Anchor, bool] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    given_up: bool = False

    def absent(self, key: CertificateKey, recorded: str | None) -> Observation:
        """Return Gone, or an answer that this is not proven."""
        if is_confirmed_place(recorded, key.place.region, self.who):
            return Gone()
        asked = self.who.account if isinstance(self.who, KnownCaller) else recorded
        if any(self._exists(anchor) for anchor in proving_anchors(self.anchors, key.id, asked)):
            return Gone()
        what = f"certificate {key.id} is not in region {self.regional.region}"
        return unconfirmed_account(what, recorded, key.place.region, self.who, self.failures)

    def _exists(self, anchor: Anchor) -> bool:
        if anchor not in self.seen and not self.given_up:
            self.seen[anchor] = self._ask_for_stage(anchor)
        return self.seen.get(anchor, False)

    def _ask_for_stage(self, anchor: Anchor) -> bool:
        gateway, region = self.regional.gateway, self.regional.region
        api = Api(kind=anchor.kind, id=anchor.api_id)
        try:
            return self.regional.ask(
                "GetStage", lambda: gateway.has_stage(region, api, anchor.name)
            )
        except GatewayError as error:
            self.given_up = isinstance(error, UnreachableError)
            self.failures.append(error.unanswered.reason)
            return False


NO_ACM = Unanswered(
    reason="it is an ARN, but not of an ACM certificate: API Gateway accepts no other ARN",
    remedy="check the stage's certificate: `aws apigateway get-stage`",
)


def is_arn(certificate_id: str) -> bool:
    """Return whether a certificate id is an ARN; API Gateway's own certificate ids never are."""
    return kind_of(certificate_id) == "acm"


def is_acm_arn(certificate_id: str) -> bool:
    """Return whether this is a complete ARN of ACM, with partition, region and account."""
    place = place_of_arn(certificate_id)
    return certificate_id.split(":")[2:3] == ["acm"] and None not in {
        place.partition,
        place.account,
        place.region,
    }


def acm_place(key: CertificateKey) -> Place:
    """Return the place of an ACM certificate: from its ARN, not from what a document records."""
    return place_of_arn(key.id)


def observe_acm(
    regional: RegionalGateway, keys: Collection[CertificateKey], identity: Future[Caller]
) -> Mapping[CertificateKey, Observation]:
    """Ask ACM for each of a region's certificates, with one call each.

    Certificates of another account are not requested. If nothing in the region is reachable, the
    remaining calls are skipped.
    """
    who = wait_for_caller(identity, regional.budget)
    asked: dict[str, Observation] = {}
    given_up: Unanswered | None = None
    for key in keys:
        if key.id in asked:
            continue
        answer: Observation | None = other_account_answer(acm_place(key).account, who) or given_up
        if answer is None:
            try:
                answer = _describe(regional, key, who)
            except UnreachableError as error:
                answer = given_up = error.unanswered
            except GatewayError as error:
                answer = error.unanswered
            else:
                regional.budget.answered()
        asked[key.id] = answer
    return {key: asked[key.id] for key in keys}


def _describe(regional: RegionalGateway, key: CertificateKey, who: Caller) -> Observation:
    answer = regional.ask(
        "DescribeCertificate", lambda: regional.gateway.acm_certificate(regional.region, key.id)
    )
    place = acm_place(key)
    if isinstance(answer, Gone) and not is_confirmed_place(place.account, place.region, who):
        return unconfirmed_account("ACM does not know it", place.account, place.region, who)
    return answer


# At 9 requests per second, 4 threads keep the pace up to a latency of nearly half a second.
_THREADS = 4

_OPERATIONS = {StageKind.REST: "GetRestApis", StageKind.WEBSOCKET: "GetApis"}

# Either the API was deleted meanwhile, with its stages, or AWS hides its stages from these
# credentials as if it did not exist.
VANISHED = Unanswered(
    reason=(
        "AWS listed the API a moment ago, and now reports that it does not exist: its stages are "
        "not known"
    ),
    remedy="run it again: AWS no longer lists an API that was deleted meanwhile",
)

Listed = tuple[ObservedStage, ...] | Gone | Unanswered


def list_apis(regional: RegionalGateway, kind: StageKind) -> tuple[Api, ...]:
    """Return every API of a kind in the region; raises GatewayError."""
    apis = regional.ask(_OPERATIONS[kind], lambda: regional.gateway.apis(regional.region, kind))
    regional.budget.answered()
    return apis


class StageListing:
    """The stages of a list of APIs; it asks for each API once.

    A failure counts for one API only, unless nothing else would be answered. With `whole`, the
    caller needs the complete list, so any failure ends the calls. `on_answer` is called after each
    answer.
    """

    def __init__(
        self,
        regional: RegionalGateway,
        apis: Iterable[Api],
        *,
        whole: bool = False,
        on_answer: Callable[[], None] | None = None,
    ) -> None:
        self._regional = regional
        self._apis = tuple(dict.fromkeys(apis))
        self._whole = whole
        self._on_answer = on_answer
        self._next: Iterator[Api] = iter(self._apis)
        self._lock = Lock()
        self._over = Event()
        self._answers: dict[Api, Listed] = {}
        self._given_up: Unanswered | None = None

    def run(self) -> None:
        """List the stages until all APIs have an answer, nothing is reachable, or time is over."""
        workers = [start_thread(self._work) for _ in range(min(_THREADS, len(self._apis)))]
        try:
            for worker in workers:
                wait_for_result(self._regional.budget, worker)
        except OverdueError:
            self._given_up = self._given_up or self._regional.overdue("GetStages").unanswered
        finally:
            self._over.set()

    def of(self, api: Api) -> Listed:
        """Return the answer about an API, else the reason why there is none."""
        answered = self._answers.get(api)
        if answered is not None:
            return answered
        return self._given_up or self._regional.overdue("GetStages").unanswered

    def _work(self) -> None:
        while not self._over.is_set():
            with self._lock:
                api = next(self._next, None)
            if api is None:
                return
            try:
                self._answers[api] = self._regional.gateway.stages(self._regional.region, api)
            except MissingError:
                self._answers[api] = Gone()
            except GatewayError as error:
                if self._whole or isinstance(error, UnreachableError):
                    self._given_up = error.unanswered
                    self._over.set()
                    return
                self._answers[api] = error.unanswered
            self._regional.budget.answered()
            if self._on_answer is not None:
                self._on_answer()
