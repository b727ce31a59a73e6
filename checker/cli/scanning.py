"""What `tfcert scan` is asked for, and AWS as it reaches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from checker.cli.progress import watching
from checker.domain.access import Access
from checker.domain.errors import UsageError
from checker.domain.inventory import Inventory
from checker.domain.policy import AccountAccess
from checker.domain.value import value

if TYPE_CHECKING:
    from checker.domain.sweep import Scanned
    from checker.live.gateway import Gateway
    from checker.live.scan import Target


@value
class Scope:
    """Which accounts and regions are scanned: those of the roles, else of the policy's accounts, else one's own.

    `regions` is None for every region that is enabled, and empty for AWS's own default one.
    """

    profile: str | None
    roles: tuple[str, ...]
    accounts: tuple[AccountAccess, ...]
    regions: tuple[str, ...] | None
    timeout: float


def look(scope: Scope) -> Scanned:
    """Scan, with a bar on stderr where that is a terminal; raises UsageError where nothing names a region."""
    from checker.live.boto_gateway import BotoGateway
    from checker.live.connection import Connection
    from checker.live.scan import scan

    def connect(target: Target) -> Gateway:
        return BotoGateway(Connection(profile=scope.profile, role_arn=target.access.role_arn, timeout=scope.timeout))

    own = BotoGateway(Connection(profile=scope.profile, timeout=scope.timeout))
    regions = scope.regions if scope.regions != () else (_default(own),)
    with watching() as watch:
        return scan(_targets(scope, regions or ()), regions, connect=connect, timeout=scope.timeout, watch=watch)


def recorded(sources: Sequence[str], *, recursive: bool, tool: str | None, fetch: Callable[[str], bytes]) -> Inventory | None:
    """What the given states and plans record; None where there is none to tell what is managed."""
    if recursive:
        from checker.cli.tree import load_tree

        return load_tree(sources, config=None, tool=tool).inventory
    if not sources:
        return None
    from checker.cli.reading import load

    return load(sources, config=None, tool=tool, fetch=fetch).inventory


def _default(gateway: Gateway) -> str:
    from checker.live.gateway import GatewayError

    try:
        named = gateway.region()
    except GatewayError as error:
        raise UsageError(error.unanswered.reason, where="--region", remedy=error.unanswered.remedy) from error
    if named is None:
        raise UsageError(
            "no region is named, here or in the AWS configuration", where="--region", remedy="give --region NAME, or --all-regions"
        )
    return named


def _targets(scope: Scope, regions: Sequence[str]) -> tuple[Target, ...]:
    from checker.live.scan import Target, partition_of

    if scope.roles:
        return tuple(Target(access=Access(profile=scope.profile, role_arn=role)) for role in scope.roles)
    if not scope.accounts:
        return (Target(access=Access(profile=scope.profile)),)
    partition = partition_of(regions[0]) if regions else "aws"
    return tuple(_target(scope.profile, entry, partition) for entry in scope.accounts)


def _target(profile: str | None, entry: AccountAccess, partition: str) -> Target:
    from checker.live.scan import Target

    role = entry.role
    if role is not None and not role.startswith("arn:"):
        role = f"arn:{partition}:iam::{entry.account}:role/{role}"
    return Target(access=Access(profile=profile, role_arn=role, external_id=entry.external_id), account=entry.account)
