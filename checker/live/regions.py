"""Which region each question goes to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from checker.domain.observation import Unanswered
from checker.domain.place import Place
from checker.live.gateway import GatewayError, Gateways

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted(Generic[T]):
    """Things by the region to ask about them, and those for which nothing names a region."""

    by_region: dict[str, list[T]]
    nowhere: list[T]


def sort(things: Iterable[T], place_of: Callable[[T], Place], default: str | None) -> Sorted[T]:
    """Sort things by their recorded region, else the default one."""
    by_region: dict[str, list[T]] = {}
    nowhere: list[T] = []
    for thing in things:
        region = place_of(thing).region or default
        (by_region.setdefault(region, []) if region else nowhere).append(thing)
    return Sorted(by_region=by_region, nowhere=nowhere)


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


def overruled(requested: str | None, recorded: Collection[str]) -> tuple[str, ...]:
    """What to tell a person whose --region is not the one that documents record: the recorded one is asked."""
    others = sorted({region for region in recorded if requested and region != requested})
    if not others:
        return ()
    return (f"--region {requested} is not used for what is recorded in {', '.join(others)}: the recorded region is asked",)
