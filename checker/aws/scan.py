"""Scans of whole accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import Protocol

from msgspec.structs import replace

from checker.aws.certificates import (
    NO_ACM,
    VANISHED,
    StageListing,
    acm_place,
    is_acm_arn,
    is_arn,
    list_apis,
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
from checker.aws.gateway import (
    Api,
    CredentialsError,
    Gateway,
    GatewayError,
    Gateways,
    UnreachableError,
)
from checker.aws.identity import Caller, KnownCaller, UnknownCaller
from checker.model.inventory import ScanResult, Sweep, Unread
from checker.model.observation import (
    CertificateKey,
    Found,
    Gone,
    Observation,
    ObservedStage,
    Unanswered,
)
from checker.model.places import Access, Place, home_region, partition_of_region, place_of_arn
from checker.model.resources import StageKind

_SHOWN = 3
_CERTIFICATES = "GetClientCertificates"
_KINDS = {StageKind.REST: "REST", StageKind.WEBSOCKET: "WebSocket"}

Certificates = Mapping[str, Found | Unanswered]


class ScanProgress(Protocol):
    """The receiver of a scan's progress; called from several threads."""

    def expect(self, count: int) -> None:
        """Count more answers to wait for."""

    def answered(self) -> None:
        """Count one answer."""


class PlaceLister:
    """The list of the stages and certificates of one place.

    If AWS does not answer a call, that part is unread; the other parts are not affected. The
    identity is looked up at the same time, within its own time budget; its result never raises.
    """

    def __init__(
        self,
        regional: RegionalGateway,
        place: Place,
        access: Access,
        identity: Future[Caller],
        watch: ScanProgress,
    ) -> None:
        self._regional = regional
        # Without an account until the identity is known.
        self._place = place
        self._access = access
        self._identity = identity
        self._watch = watch
        self._unread: list[tuple[str, Unanswered]] = []

    def run(self) -> Sweep:
        """List everything; the certificates at the same time as the stages."""
        self._watch.expect(1 + len(_KINDS))
        certificates = start_thread(self._certificates)
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
            certificates={
                **self._of_gateway(listed, of_gateway),
                **self._of_acm([each for each in named if is_arn(each)]),
            },
            certificate_count=None if isinstance(listed, Unanswered) else len(listed),
            unread=tuple(
                Unread(path=f"{self._place}: {what}", reason=why.reason, remedy=why.remedy)
                for what, why in self._unread
            ),
        )

    def _certificates(self) -> Certificates | Unanswered:
        regional = self._regional
        try:
            return regional.ask(
                _CERTIFICATES, lambda: regional.gateway.certificates(regional.region)
            )
        except GatewayError as error:
            return error.unanswered

    def _apis(self) -> list[Api]:
        apis: list[Api] = []
        given_up: Unanswered | None = None
        for kind, word in _KINDS.items():
            try:
                apis += list_apis(self._regional, kind) if given_up is None else ()
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
        listing = StageListing(self._regional, apis, on_answer=self._watch.answered)
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

    def _of_gateway(
        self, listed: Certificates | Unanswered, named: Iterable[str]
    ) -> Mapping[CertificateKey, Observation]:
        """Return the certificates that are listed, and those that stages name.

        The stages were listed in the meantime, so a named certificate is gone only if a second list
        does not have it either.
        """
        found: dict[str, Observation] = {} if isinstance(listed, Unanswered) else dict(listed)
        missing = [identity for identity in named if identity not in found]
        if missing:
            again = self._certificates() if not isinstance(listed, Unanswered) else listed
            found |= {
                identity: again if isinstance(again, Unanswered) else again.get(identity) or Gone()
                for identity in missing
            }
        return {
            CertificateKey(id=identity, place=self._place): answer
            for identity, answer in found.items()
        }

    def _of_acm(self, arns: Collection[str]) -> Mapping[CertificateKey, Observation]:
        """Return ACM's answers about the certificates of this place.

        Certificates of other regions are not requested, since no stage can present them.
        """
        keys = [CertificateKey(id=arn, place=self._place) for arn in arns]
        own = [
            key
            for key in keys
            if is_acm_arn(key.id) and acm_place(key).region == self._place.region
        ]
        answers = observe_acm(self._regional, own, self._identity) if own else {}
        return {key: answers.get(key) or (_FAR if is_acm_arn(key.id) else NO_ACM) for key in keys}

    def _missed(self, what: str, why: Unanswered) -> None:
        self._unread.append((what, why))


_FAR = Unanswered(
    reason="its ARN is of another region than the stage, so the stage cannot present it",
    remedy="look at what the stage presents: `aws apigateway get-stage`",
)


def _in_words(apis: Collection[Api]) -> str:
    shown = ", ".join(
        f"{api.kind} API {api.id}" + (f" ({api.name})" if api.name else "")
        for api in list(apis)[:_SHOWN]
    )
    return shown if len(apis) <= _SHOWN else f"{shown} and {len(apis) - _SHOWN} more"


# Regions scanned at once. Each has a few threads and three clients: 20 accounts with 17 regions
# each would be some 2000 threads.
_AT_ONCE = 48


@dataclass(frozen=True, slots=True)
class RefusedCaller(UnknownCaller):
    """These credentials are accepted nowhere."""

    unanswered: Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTarget:
    """A role to scan with, and the expected account, if known.

    `role` None means the user's own credentials.
    """

    role: Role | None = None
    account: str | None = None

    @property
    def partition(self) -> str | None:
        """Return the partition in the role's ARN."""
        return place_of_arn(self.role.arn).partition if self.role is not None else None


def scan(
    targets: Sequence[ScanTarget],
    regions: Sequence[str] | None,
    *,
    gateways: Gateways,
    connection: Connection,
    watch: ScanProgress,
) -> ScanResult:
    """Scan some regions of each target's account; None means all enabled regions.

    If AWS does not answer a call, that part of the place is unread, and nothing is raised. An
    account that several targets lead to is scanned once. It takes at most the timeout for the calls
    before the regions, and again for each region, plus one second for each API; with many accounts,
    some wait for others. Ctrl-C ends the waiting: the remaining parts are unread.
    """
    run = _Scan(regions, gateways, connection, watch)
    alone = len(targets) == 1 and targets[0].account is None
    accounts = gather(
        [start_thread(partial(run.account, target, alone=alone)) for target in targets],
        run.interruption,
    )
    sweeps = [sweep for account in accounts for sweep in account]
    return ScanResult(
        sweeps=tuple(sorted(sweeps, key=lambda sweep: str(sweep.place))),
        traffic=gateways.traffic(),
        notices=(*sorted(run.notices), *(INTERRUPTED if run.interruption.requested else ())),
        interrupted=run.interruption.requested,
    )


class _Scan:
    def __init__(
        self,
        regions: Sequence[str] | None,
        gateways: Gateways,
        connection: Connection,
        watch: ScanProgress,
    ) -> None:
        self.interruption = Interruption()
        self._regions = regions
        self._gateways = gateways
        self._connection = connection
        self._watch = watch
        self._room = BoundedSemaphore(_AT_ONCE)
        self._lock = Lock()
        self._taken: set[str] = set()
        self.notices: list[str] = []

    def account(self, target: ScanTarget, *, alone: bool) -> list[Sweep]:
        """Return the sweeps of a target's account.

        `alone`: no other target can lead to this account.
        """
        try:
            gateway = self._gateways.of(target.role)
            # Looked up only if needed: it reads the AWS configuration again.
            homes = self._regions or (self._home(target),)
            identity = start_thread(partial(self._caller, gateway, homes))
            if not alone and not self._is_wanted(target, identity.result()):
                return []
            regions = self._regions or self._enabled(gateway, homes[0])
        except GatewayError as error:
            return [self._lost(target, error.unanswered)]
        sweeps = [
            start_thread(partial(self._region, gateway, target, region, identity))
            for region in dict.fromkeys(regions)
        ]
        found = [sweep.result() for sweep in sweeps]
        match identity.result():
            case KnownCaller():
                return found
            case RefusedCaller(unanswered=unanswered):
                # Every list was refused for the same reason.
                return [self._lost(target, unanswered)]
            case UnknownCaller(reason=reason):
                unknown = Unanswered(
                    reason=reason,
                    remedy="check that STS can be reached (GetCallerIdentity), then run it again",
                )
                return [*found, self._lost(target, unknown, what="whose the credentials are")]

    def _is_wanted(self, target: ScanTarget, who: Caller) -> bool:
        """Return whether this target is the first that leads to its account.

        Raises GatewayError if it leads to another account than expected, or the credentials are
        refused.
        """
        match who:
            case KnownCaller(account=account):
                if target.account not in {None, account}:
                    raise GatewayError(*_another(target.account, account))
                return self._is_first(target, account)
            case RefusedCaller(unanswered=unanswered):
                raise GatewayError(unanswered.reason, unanswered.remedy)
            case UnknownCaller():
                return True

    def _region(
        self, gateway: Gateway, target: ScanTarget, region: str, identity: Future[Caller]
    ) -> Sweep:
        place = Place(target.partition or partition_of_region(region), target.account, region)
        with self._room:
            regional = RegionalGateway(gateway=gateway, region=region, budget=self._budget())
            return PlaceLister(regional, place, self._access(target), identity, self._watch).run()

    def _home(self, target: ScanTarget) -> str:
        named = self._gateways.region()
        by_role = home_region(target.partition)
        # A role of another partition cannot be assumed in the user's configured region.
        fits = named is not None and (
            target.partition is None or partition_of_region(named) == target.partition
        )
        return named if named is not None and fits else by_role

    def _caller(self, gateway: Gateway, regions: Iterable[str]) -> Caller:
        """Return the account of the credentials; it asks one region after another.

        A region may not be enabled.
        """
        budget = self._budget()
        why = "no region to ask STS in"
        for region in regions:
            regional = RegionalGateway(gateway=gateway, region=region, budget=budget)
            try:
                return KnownCaller(
                    regional.ask("GetCallerIdentity", partial(gateway.account, region))
                )
            except CredentialsError as error:
                return RefusedCaller(error.unanswered.reason, error.unanswered)
            except GatewayError as error:
                why = error.unanswered.reason
            if not budget.left():
                break
        return UnknownCaller(why)

    def _budget(self) -> TimeBudget:
        return TimeBudget(self._connection.timeout, interruption=self.interruption)

    def _access(self, target: ScanTarget) -> Access:
        role = target.role
        arn, external_id = (role.arn, role.external_id) if role is not None else (None, None)
        return Access(profile=self._connection.profile, role_arn=arn, external_id=external_id)

    def _enabled(self, gateway: Gateway, home: str) -> Sequence[str]:
        regional = RegionalGateway(gateway=gateway, region=home, budget=self._budget())
        return regional.ask("DescribeRegions", partial(gateway.regions, home))

    def _is_first(self, target: ScanTarget, account: str) -> bool:
        with self._lock:
            first = account not in self._taken
            self._taken.add(account)
            if not first:
                by = (
                    target.role.arn
                    if target.role is not None
                    else "the credentials of the environment"
                )
                self.notices.append(f"{by}: account {account} is scanned once, by another entry")
            return first

    def _lost(self, target: ScanTarget, why: Unanswered, what: str | None = None) -> Sweep:
        account = target.account or (target.role.account if target.role is not None else None)
        name = f"account {account}" if account is not None else "the account of the credentials"
        unread = Unread(path=what or name, reason=why.reason, remedy=why.remedy)
        return Sweep(
            place=Place(target.partition, account), access=self._access(target), unread=(unread,)
        )


def _another(expected: str | None, found: str) -> tuple[str, str]:
    return (
        f"the credentials for account {expected} are of account {found}",
        f"name a role of account {expected} for it in the policy file, or give credentials of it",
    )
