"""Run `tfcert scan`: its scope, and its access to AWS."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.cli.output import progress_bar
from checker.errors import UsageError
from checker.model.inventory import Inventory
from checker.model.places import Place
from checker.terraform.tool import Wanted

if TYPE_CHECKING:
    from checker.aws.boto_gateway import BotoGateways
    from checker.aws.connection import Connection
    from checker.aws.scan import ScanTarget
    from checker.model.inventory import ScanResult

# Source: AWS, IAM user guide, "IAM identifiers": a role's ARN may have a path.
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", re.ASCII)


class ScanScope(Struct, frozen=True, kw_only=True):
    """The accounts and regions to scan: of the roles, else of the policy, else the caller's own.

    `regions` is None for every enabled region, and empty for the default region of the AWS
    configuration.
    """

    roles: tuple[str, ...]
    regions: tuple[str, ...] | None


def run_scan(scope: ScanScope, gateways: BotoGateways) -> ScanResult:
    """Run the scan, with a bar if stderr is a terminal; raises UsageError without a region."""
    from checker.aws.scan import scan

    connection = gateways.clients.connection
    regions = scope.regions if scope.regions != () else (_default(gateways),)
    with progress_bar() as watch:
        return scan(
            _targets(scope.roles, connection, regions or ()),
            regions,
            gateways=gateways,
            connection=connection,
            watch=watch,
        )


def load_states(
    sources: Sequence[str],
    *,
    recursive: bool,
    tool: Wanted,
    fetch: Callable[[str], bytes],
    tags: Collection[str],
) -> Inventory | None:
    """Return what the given states and plans record; None if there are none."""
    if recursive:
        from checker.cli.load import load_root_modules

        return load_root_modules(sources, config=None, tool=tool, tags=tags).inventory
    if not sources:
        return None
    from checker.cli.load import load

    return load(sources, config=None, tool=tool, fetch=fetch, tags=tags).inventory


def _default(gateways: BotoGateways) -> str:
    from checker.aws.gateway import GatewayError

    try:
        named = gateways.region()
    except GatewayError as error:
        raise UsageError(
            error.unanswered.reason, where="--region", remedy=error.unanswered.remedy
        ) from error
    if named is None:
        raise UsageError(
            "no region is named, here or in the AWS configuration",
            where="--region",
            remedy="give --region NAME, or --all-regions",
        )
    return named


def _targets(
    roles: Sequence[str], connection: Connection, regions: Sequence[str]
) -> tuple[ScanTarget, ...]:
    from dataclasses import replace as changed

    from checker.aws.scan import ScanTarget
    from checker.model.places import partition_of_region

    for role in roles:
        if not _ROLE.fullmatch(role):
            raise UsageError(
                f"{role!r} is no ARN of a role",
                where="--role-arn",
                remedy="write arn:aws:iam::ACCOUNT:role/NAME",
            )
    if roles:
        # The policy may have an external ID for a role's account.
        return tuple(ScanTarget(role=changed(connection, role_arn=role).own_role) for role in roles)
    partition = partition_of_region(regions[0]) if regions else None
    places = [Place(partition, entry.account) for entry in connection.accounts]
    return tuple(
        ScanTarget(role=connection.role_for(place), account=place.account) for place in places
    ) or (ScanTarget(),)
