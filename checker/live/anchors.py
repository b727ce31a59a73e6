"""Recorded stages as proof of whose account is asked: what holds them is the account that state is of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checker.domain.stage import Presents, Stage, StageKind

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


def in_region(stages: Iterable[Stage], region: str, default_region: str | None) -> tuple[Anchor, ...]:
    """The anchors of a region, each once, in the order of the documents."""
    found: dict[Anchor, None] = {}
    for stage in stages:
        if stage.api_id and stage.name and (stage.place.region or default_region) == region:
            id_ = stage.presents.id if isinstance(stage.presents, Presents) else None
            account = stage.place.account
            found[Anchor(kind=stage.kind, api_id=stage.api_id, name=stage.name, account=account, certificate_id=id_)] = None
    return tuple(found)


def account_by(anchors: Iterable[Anchor], certificate_id: str) -> str | None:
    """The account of the stages that present a certificate, which is the certificate's too; None where they do not agree.

    API Gateway lets a stage present only what its own account and region has. Source: `facts/aws.md` 2.
    """
    accounts = {anchor.account for anchor in anchors if anchor.certificate_id == certificate_id}
    return accounts.pop() if len(accounts) == 1 else None


def proof_of(anchors: Iterable[Anchor], certificate_id: str, account: str | None) -> tuple[Anchor, ...]:
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
