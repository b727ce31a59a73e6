"""The account of the credentials, and the regions to ask in."""

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
    """STS did not return the account of the credentials; `reason` says why."""

    reason: str


Caller = KnownCaller | UnknownCaller


def identify(gateway: Gateway, regions: Iterable[str], budget: TimeBudget) -> Future[Caller]:
    """Start to look up the account of the credentials, in one region after another.

    The answer is the same everywhere, but a region may be misspelt or not enabled.
    """

    def ask() -> Caller:
        why = "no region to ask STS in"
        for region in regions:
            if not budget.left():
                break
            try:
                return KnownCaller(gateway.account(region))
            except CredentialsError as error:
                return UnknownCaller(error.unanswered.reason)
            except GatewayError as error:
                why = error.unanswered.reason
        return UnknownCaller(why)

    return start_thread(ask)


def wait_for_caller(identity: Future[Caller], budget: TimeBudget) -> Caller:
    """Return the caller; wait at most half of the time left, because other proof needs the rest."""
    try:
        return wait_for_result(budget.half(), identity)
    except OverdueError:
        if budget.interruption.requested:
            return UnknownCaller("GetCallerIdentity was interrupted before it was answered")
        return UnknownCaller(f"GetCallerIdentity was not answered within {budget.seconds / 2:g} s")


def other_account_answer(recorded: str | None, caller: Caller) -> Unanswered | None:
    """Return the answer for something recorded in another account than the caller's, else None."""
    match caller:
        case KnownCaller(account) if recorded is not None and recorded != account:
            return Unanswered(
                reason=(
                    f"the credentials are of account {account}, "
                    f"and it is recorded in another one, {recorded}"
                ),
                remedy=credentials_hint(recorded),
            )
        case _:
            return None


def is_confirmed_place(recorded: str | None, region: str | None, caller: Caller) -> bool:
    """Return whether the recorded account and region are known and the account is the caller's.

    Then AWS was certainly asked in the right place.
    """
    return region is not None and isinstance(caller, KnownCaller) and recorded == caller.account


def unconfirmed_account(
    what: str,
    recorded: str | None,
    region: str | None,
    caller: Caller,
    failures: Iterable[str] = (),
) -> Unanswered:
    """Return the answer for a call whose account or region may be the wrong one.

    `recorded` and `region` are the account and region that documents record, if any. `failures` are
    the failures that prevented the proof.
    """
    match caller:
        case UnknownCaller(reason):
            why = f"the account of the credentials is not known ({reason})"
        case KnownCaller(account) if recorded is None:
            why = f"no document says whether account {account} is the right one"
        case KnownCaller():
            why = "no document says whether that is the right region"
    reasons = "".join(f"; {failure}" for failure in failures)
    where = "" if region else ", and give its region (--region)"
    return Unanswered(
        reason=(f"{what}, but {why}, and no recorded stage was found there to prove it{reasons}"),
        remedy=f"{credentials_hint(recorded)}{where}",
    )


def credentials_hint(account: str | None) -> str:
    """Return the hint on how to give credentials of an account; None means the state's account."""
    if account is None:
        return "use credentials of the state's account (--profile), or a role there (--role-arn)"
    return (
        f"use credentials of account {account}: --profile, or a role there, "
        "by --role-arn or (several accounts at once) "
        f'by [accounts."{account}"] role = "…" in tfcert.toml'
    )


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRegion(Generic[T]):
    """Things grouped by region, and the things without a region."""

    by_region: dict[str, list[T]]
    nowhere: list[T]


def group_by_region(
    things: Iterable[T], place_of: Callable[[T], Place], default: str | None
) -> ByRegion[T]:
    """Group things by their recorded region, else the default region."""
    by_region: dict[str, list[T]] = {}
    nowhere: list[T] = []
    for thing in things:
        region = place_of(thing).region or default
        (by_region.setdefault(region, []) if region else nowhere).append(thing)
    return ByRegion(by_region=by_region, nowhere=nowhere)


def default_region(gateways: Gateways, places: Iterable[Place]) -> tuple[str | None, Unanswered]:
    """Return the region for places without one, and the answer about them if there is none.

    If every place has a region, the AWS configuration is not read: it may be broken or missing.
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
    """Return the notice for a --region that differs from the recorded regions.

    AWS is asked in the recorded ones.
    """
    others = sorted({region for region in recorded if requested and region != requested})
    if not others:
        return ()
    return (
        (
            f"--region {requested} is not used for what is recorded in {', '.join(others)}: "
            "the recorded region is asked"
        ),
    )


# Enough to survive a manually deleted stage, and few enough for an account's quota.
_TRIED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A recorded stage that can be looked up in AWS, and its account, if a document records it."""

    kind: StageKind
    api_id: str
    name: str
    account: str | None = None
    certificate_id: str | None = None


def anchors_in_region(
    stages: Iterable[Stage], region: str, default_region: str | None
) -> tuple[Anchor, ...]:
    """Return the anchors of a region, each once, in the order of the documents."""
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
    """Return the account of the stages that present a certificate; None if they do not agree.

    It is the certificate's account too: a stage of API Gateway can only present a certificate of
    its own account and region.
    """
    accounts = {anchor.account for anchor in anchors if anchor.certificate_id == certificate_id}
    return accounts.pop() if len(accounts) == 1 else None


def proving_anchors(
    anchors: Iterable[Anchor], certificate_id: str, account: str | None
) -> tuple[Anchor, ...]:
    """Return the anchors that prove the account of a certificate if AWS has them.

    `account` is the account that is asked, if known: stages of other accounts prove nothing in it.
    If stages present the certificate, they are the anchors; else any recorded stage of the region
    is one.
    """
    possible = [anchor for anchor in anchors if may_be_in(anchor, account)]
    presenting = [anchor for anchor in possible if anchor.certificate_id == certificate_id]
    return tuple((presenting or possible)[:_TRIED])


def may_be_in(anchor: Anchor, account: str | None) -> bool:
    """Return whether an anchor may be in an account."""
    return account is None or anchor.account is None or anchor.account == account
