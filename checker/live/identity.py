"""Whose account is asked: what keeps a certificate of another account from being called gone."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from checker.domain.observation import Unanswered
from checker.live.deadline import OverdueError, TimeBudget, start, within
from checker.live.gateway import CredentialsError, Gateway, GatewayError


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

    return start(ask)


def caller(identity: Future[Caller], patience: TimeBudget) -> Caller:
    """The answer, waited for no longer than half of the time that is left: the rest is for other proof."""
    try:
        return within(patience.half(), identity)
    except OverdueError:
        if patience.interruption.wished:
            return UnknownCaller("GetCallerIdentity was interrupted before it was answered")
        return UnknownCaller(f"GetCallerIdentity was not answered within {patience.seconds / 2:g} s")


def elsewhere(recorded: str | None, caller: Caller) -> Unanswered | None:
    """The answer about anything that is recorded in another account than the caller's; None where it is not."""
    match caller:
        case KnownCaller(account) if recorded is not None and recorded != account:
            return Unanswered(
                reason=f"the credentials are of account {account}, and it is recorded in another one, {recorded}",
                remedy=enter(recorded),
            )
        case _:
            return None


def here(recorded: str | None, region: str | None, caller: Caller) -> bool:
    """Whether what was asked is certainly what is recorded: both account and region are, and the account is the caller's."""
    return region is not None and isinstance(caller, KnownCaller) and recorded == caller.account


def unproven(what: str, recorded: str | None, region: str | None, caller: Caller, doubts: Iterable[str] = ()) -> Unanswered:
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
        remedy=f"{enter(recorded)}{where}",
    )


def enter(account: str | None) -> str:
    """What a person does so that an account, or the one that the state is of, is asked with its own credentials."""
    if account is None:
        return "use credentials of the account that the state is of (--profile), or a role there (--role-arn)"
    return (
        f"use credentials of account {account}: --profile, or a role there, by --role-arn or (several accounts at once) "
        f'by [accounts."{account}"] role = "…" in tfcert.toml'
    )
