"""Whose credentials, which region."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from checker.aws.deadline import OverdueError, TimeBudget, start_thread, wait_for_result
from checker.aws.gateway import CredentialsError, Gateway, GatewayError, Gateways
from checker.model.observation import Unanswered
from checker.model.places import Place
from checker.model.resources import Presents, Stage, StageKind


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """The credentials belong to this account."""

    account: str


@dataclass(frozen=True, slots=True)
class UnknownCaller:
    """STS did not say whose credentials these are; why not."""

    reason: str


Caller = KnownCaller | UnknownCaller


def identify(gateway: Gateway, regions: Iterable[str], patience: TimeBudget) -> Future[Caller]:
    """Begin to ask whose credentials these are: in one region after another, until STS answers in one.

    The answer is the same everywhere, and a region may be misspelt or not enabled.
    """

    def ask() -> Caller:
        why = "no region to ask STS in"
        for region in regions:
            if not patience.left():
                break
            try:
                return KnownCaller(gateway.account(region))
            except CredentialsError as error:
                return UnknownCaller(error.unanswered.reason)
            except GatewayError as error:
                why = error.unanswered.reason
        return UnknownCaller(why)

    return start_thread(ask)


def wait_for_caller(identity: Future[Caller], patience: TimeBudget) -> Caller:
    """The answer, waited for no longer than half of the time that is left: the rest is for other proof."""
    try:
        return wait_for_result(patience.half(), identity)
    except OverdueError:
        if patience.interruption.wished:
            return UnknownCaller("GetCallerIdentity was interrupted before it was answered")
        return UnknownCaller(
            f"GetCallerIdentity was not answered within {patience.seconds / 2:g} s"
        )


def other_account_answer(recorded: str | None, caller: Caller) -> Unanswered | None:
    """The answer about anything that is recorded in another account than the caller's; None where it is not."""
    match caller:
        case KnownCaller(account) if recorded is not None and recorded != account:
            return Unanswered(
                reason=f"the credentials are of account {account}, and it is recorded in another one, {recorded}",
                remedy=credentials_hint(recorded),
            )
        case _:
            return None


def is_confirmed_place(recorded: str | None, region: str | None, caller: Caller) -> bool:
    """Whether what was asked is certainly what is recorded: both account and region are, and the account is the caller's."""
    return region is not None and isinstance(caller, KnownCaller) and recorded == caller.account


def unconfirmed_account(
    what: str, recorded: str | None, region: str | None, caller: Caller, doubts: Iterable[str] = ()
) -> Unanswered:
    """The answer where nothing shows that the right place was asked; `doubts` says what stood in the way of proof.

    `recorded` and `region` are the account and region that documents record, if any does.
    """
    match caller:
        case UnknownCaller(reason):
            why = f"whose account that is, is not known ({reason})"
        case KnownCaller(account) if recorded is None:
            why = f"no document says whether account {account} is the right one"
        case KnownCaller():
            why = "no document says whether that is the right region"
    stood_in_the_way = "".join(f"; {doubt}" for doubt in doubts)
    where = "" if region else ", and give its region (--region)"
    return Unanswered(
        reason=f"{what}, but {why}, and no recorded stage was found there to prove it{stood_in_the_way}",
        remedy=f"{credentials_hint(recorded)}{where}",
    )


def credentials_hint(account: str | None) -> str:
    """What a person does so that an account, or the one that the state is of, is asked with its own credentials."""
    if account is None:
        return "use credentials of the account that the state is of (--profile), or a role there (--role-arn)"
    return (
        f"use credentials of account {account}: --profile, or a role there, by --role-arn or (several accounts at once) "
        f'by [accounts."{account}"] role = "…" in tfcert.toml'
    )


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRegion(Generic[T]):
    """Things by the region to ask about them, and those for which nothing names a region."""

    by_region: dict[str, list[T]]
    nowhere: list[T]


def group_by_region(
    things: Iterable[T], place_of: Callable[[T], Place], default: str | None
) -> ByRegion[T]:
    """Sort things by their recorded region, else the default one."""
    by_region: dict[str, list[T]] = {}
    nowhere: list[T] = []
    for thing in things:
        region = place_of(thing).region or default
        (by_region.setdefault(region, []) if region else nowhere).append(thing)
    return ByRegion(by_region=by_region, nowhere=nowhere)


def default_region(gateways: Gateways, places: Iterable[Place]) -> tuple[str | None, Unanswered]:
    """The region for places that name none, and the answer about them where there is none.

    It is not looked for when every place names its own: that reads AWS configuration, which may be broken or missing.
    """
    unknown = Unanswered(
        reason="no region is known: neither a document nor the AWS configuration names one",
        remedy="give --region, or set AWS_REGION",
    )
    if all(place.region for place in places):
        return None, unknown
    try:
        return gateways.region() or None, unknown
    except GatewayError as error:
        return None, error.unanswered


def ignored_region_notice(requested: str | None, recorded: Collection[str]) -> tuple[str, ...]:
    """What to tell a person whose --region is not the one that documents record: the recorded one is asked."""
    others = sorted({region for region in recorded if requested and region != requested})
    if not others:
        return ()
    return (
        f"--region {requested} is not used for what is recorded in {', '.join(others)}: the recorded region is asked",
    )


# Enough to survive a stage that was deleted by hand, and no more than an account's quota bears.
_TRIED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A recorded stage that AWS can be asked for, and the account that a document says it is of."""

    kind: StageKind
    api_id: str
    name: str
    account: str | None = None
    certificate_id: str | None = None


def anchors_in_region(
    stages: Iterable[Stage], region: str, default_region: str | None
) -> tuple[Anchor, ...]:
    """The anchors of a region, each once, in the order of the documents."""
    found: dict[Anchor, None] = {}
    for stage in stages:
        if stage.api_id and stage.name and (stage.place.region or default_region) == region:
            id_ = stage.presents.id if isinstance(stage.presents, Presents) else None
            account = stage.place.account
            found[
                Anchor(
                    kind=stage.kind,
                    api_id=stage.api_id,
                    name=stage.name,
                    account=account,
                    certificate_id=id_,
                )
            ] = None
    return tuple(found)


def account_by(anchors: Iterable[Anchor], certificate_id: str) -> str | None:
    """The account of the stages that present a certificate, which is the certificate's too; None where they do not agree.

    API Gateway lets a stage present only what its own account and region has. Source: `facts/aws.md` 2.
    """
    accounts = {anchor.account for anchor in anchors if anchor.certificate_id == certificate_id}
    return accounts.pop() if len(accounts) == 1 else None


def proving_anchors(
    anchors: Iterable[Anchor], certificate_id: str, account: str | None
) -> tuple[Anchor, ...]:
    """The anchors that, if AWS has them, prove the account to be a certificate's: those that present it, if any do.

    `account` is the one that is asked, if that is known: stages of others prove nothing in it. Where no stage presents the
    certificate, any stage that is recorded in the region stands for it.
    """
    possible = [anchor for anchor in anchors if may_be_in(anchor, account)]
    presenting = [anchor for anchor in possible if anchor.certificate_id == certificate_id]
    return tuple((presenting or possible)[:_TRIED])


def may_be_in(anchor: Anchor, account: str | None) -> bool:
    """Whether nothing speaks against an anchor being in an account."""
    return account is None or anchor.account is None or anchor.account == account
