"""One account and region, to the last stage: every API, its stages, every certificate, and those of ACM that stages name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Protocol

from checker.domain.access import Access
from checker.domain.inventory import Unread
from checker.domain.observation import CertificateKey, Found, Gone, Observation, ObservedStage, Unanswered
from checker.domain.place import Place
from checker.domain.stage import StageKind
from checker.domain.sweep import Sweep
from checker.domain.value import replace
from checker.live.acm import NO_ACM, is_arn, observe_acm, of_acm, place_of
from checker.live.asking import Asking
from checker.live.deadline import start
from checker.live.gateway import Api, GatewayError, UnreachableError
from checker.live.identity import Caller, KnownCaller
from checker.live.listing import VANISHED, StageListing, apis_of

_SHOWN = 3
_CERTIFICATES = "GetClientCertificates"
_KINDS = {StageKind.REST: "REST", StageKind.WEBSOCKET: "WebSocket"}

Certificates = Mapping[str, Found | Unanswered]


class Watch(Protocol):
    """Who is told how far a scan has come; called from several threads."""

    def expect(self, count: int) -> None:
        """So many more answers are to come."""

    def answered(self) -> None:
        """One has come."""


class Sweeping:
    """Lists what a place has; what AWS does not answer is unread, and touches nothing else.

    The identity comes to be known meanwhile, within its own time; it never raises.
    """

    def __init__(self, asking: Asking, place: Place, access: Access, identity: Future[Caller], watch: Watch) -> None:
        self._asking = asking
        # Without an account, as long as nobody has said whose it is.
        self._place = place
        self._access = access
        self._identity = identity
        self._watch = watch
        self._unread: list[tuple[str, Unanswered]] = []

    def run(self) -> Sweep:
        """Ask for everything; the certificates while the stages are listed."""
        self._watch.expect(1 + len(_KINDS))
        certificates = start(self._certificates)
        stages = self._stages(self._apis())
        listed = certificates.result()
        self._watch.answered()
        if isinstance(listed, Unanswered):
            self._missed("the client certificates", listed)
        who = self._identity.result()
        if isinstance(who, KnownCaller):
            self._place = replace(self._place, account=who.account)
        named = dict.fromkeys(stage.certificate_id for stage in stages if stage.certificate_id)
        of_gateway = [identity for identity in named if not is_arn(identity)]
        return Sweep(
            place=self._place,
            access=self._access,
            stages=stages,
            certificates={**self._of_gateway(listed, of_gateway), **self._of_acm([each for each in named if is_arn(each)])},
            held=None if isinstance(listed, Unanswered) else len(listed),
            unread=tuple(Unread(path=f"{self._place}: {what}", reason=why.reason, remedy=why.remedy) for what, why in self._unread),
        )

    def _certificates(self) -> Certificates | Unanswered:
        asking = self._asking
        try:
            return asking.ask(_CERTIFICATES, lambda: asking.gateway.certificates(asking.region))
        except GatewayError as error:
            return error.unanswered

    def _apis(self) -> list[Api]:
        apis: list[Api] = []
        given_up: Unanswered | None = None
        for kind, word in _KINDS.items():
            try:
                apis += apis_of(self._asking, kind) if given_up is None else ()
            except UnreachableError as error:
                given_up = error.unanswered
            except GatewayError as error:
                self._missed(f"the {word} APIs", error.unanswered)
            if given_up is not None:
                self._missed(f"the {word} APIs", given_up)
            self._watch.answered()
        return apis

    def _stages(self, apis: Collection[Api]) -> tuple[ObservedStage, ...]:
        self._watch.expect(len(apis))
        listing = StageListing(self._asking, apis, told=self._watch.answered)
        listing.run()
        stages: list[ObservedStage] = []
        missed: dict[Unanswered, list[Api]] = {}
        for api in apis:
            match listing.of(api):
                case Unanswered() as why:
                    missed.setdefault(why, []).append(api)
                case Gone():
                    missed.setdefault(VANISHED, []).append(api)
                case found:
                    stages.extend(found)
        for why, unlisted in missed.items():
            self._missed(f"the stages of {_in_words(unlisted)}", why)
        return tuple(stages)

    def _of_gateway(self, listed: Certificates | Unanswered, named: Iterable[str]) -> Mapping[CertificateKey, Observation]:
        """What is listed, and what is named: gone is what a second list does not have either, for stages were listed meanwhile."""
        found: dict[str, Observation] = {} if isinstance(listed, Unanswered) else dict(listed)
        missing = [identity for identity in named if identity not in found]
        if missing:
            again = self._certificates() if not isinstance(listed, Unanswered) else listed
            found |= {identity: again if isinstance(again, Unanswered) else again.get(identity) or Gone() for identity in missing}
        return {CertificateKey(id=identity, place=self._place): said for identity, said in found.items()}

    def _of_acm(self, arns: Collection[str]) -> Mapping[CertificateKey, Observation]:
        """What ACM says of those of this place; for those of elsewhere nobody is asked, since no stage can present them."""
        keys = [CertificateKey(id=arn, place=self._place) for arn in arns]
        own = [key for key in keys if of_acm(key.id) and place_of(key).region == self._place.region]
        answers = observe_acm(self._asking, own, self._identity) if own else {}
        return {key: answers.get(key) or (_FAR if of_acm(key.id) else NO_ACM) for key in keys}

    def _missed(self, what: str, why: Unanswered) -> None:
        self._unread.append((what, why))


_FAR = Unanswered(
    reason="its ARN is of another region than the stage, which cannot present it",
    remedy="look at what the stage presents: `aws apigateway get-stage`",
)


def _in_words(apis: Collection[Api]) -> str:
    shown = ", ".join(f"{api.kind} API {api.id}" + (f" ({api.name})" if api.name else "") for api in list(apis)[:_SHOWN])
    return shown if len(apis) <= _SHOWN else f"{shown} and {len(apis) - _SHOWN} more"
