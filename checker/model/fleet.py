"""How the report of a fleet groups its states."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class GroupBy(StrEnum):
    """What a report groups by: the values of --group-by."""

    ACCOUNT = "account"
    OWNER = "owner"
    REGION = "region"
    PREFIX = "prefix"


class FleetView(Struct, frozen=True, kw_only=True):
    """A fleet: how many states were read below which sources, and how a report groups them."""

    read: int
    sources: tuple[str, ...]
    group_by: tuple[GroupBy, ...] = (GroupBy.ACCOUNT, GroupBy.OWNER)
