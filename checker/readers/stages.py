"""Stages: from a resource's attributes to what the stage presents, and where it lives."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.domain.place import place_of_arn
from checker.domain.resource_types import STAGES
from checker.domain.stage import Presented, Presents, PresentsNothing, PresentsPlanned, Stage
from checker.readers.decoding import decode
from checker.readers.places import in_region
from checker.readers.printable import printable
from checker.readers.records import Record
from checker.readers.tags import read_tags

PRESENTED = "client_certificate_id"


class _Attributes(Struct, frozen=True, gc=False):
    client_certificate_id: str | None = None
    rest_api_id: str | None = None
    stage_name: str | None = None
    api_id: str | None = None
    name: str | None = None
    id: str | None = None
    arn: str | None = None
    execution_arn: str | None = None
    region: str | None = None
    tags: Raw | UnsetType = UNSET
    tags_all: Raw | UnsetType = UNSET


def read_stage(record: Record, disclosed: Collection[str], tags: Collection[str] = ()) -> Stage:
    """Read a stage.

    An id that is marked sensitive is kept only where a certificate discloses it (`disclosed`), a tag only where it is asked for
    (`tags`). No certificate is null, the empty string or no value at all (the provider writes "" after one was taken off). Where
    the id is hidden or not known yet, the stage is `PresentsPlanned` without candidates.
    Raises UnreadableError at the attribute that has a wrong type.
    """
    found = decode(record.attributes, _Attributes, record.spot)
    if record.type == "aws_apigatewayv2_stage":
        # Its id is the stage's name alone: two APIs may well have the same. Source: provider apigatewayv2/stage.go.
        api_id, name, fallback = "api_id", "name", "id"
    else:
        api_id, name, fallback = "rest_api_id", "stage_name", "stage_name"
    place = in_region(found.region).or_else(place_of_arn(found.execution_arn)).or_else(place_of_arn(found.arn))
    return Stage(
        address=record.address,
        kind=STAGES[record.type],
        api_id=_shown(record, found, api_id),
        name=_shown(record, found, name) or _shown(record, found, fallback),
        place=place.or_else(record.place),
        presents=_presented(record, found, disclosed),
        deposed=record.deposed,
        tags=read_tags(record, found.tags, found.tags_all, tags),
    )


def _shown(record: Record, found: _Attributes, name: str) -> str | None:
    if record.hides(name) or record.awaits(name):
        return None
    return printable(getattr(found, name), record.spot.key(name))


def _presented(record: Record, found: _Attributes, disclosed: Collection[str]) -> Presented:
    if record.awaits(PRESENTED):
        return PresentsPlanned(())
    named = printable(found.client_certificate_id, record.spot.key(PRESENTED))
    if named is None:
        return PresentsNothing()
    if record.hides(PRESENTED) and named not in disclosed:
        return PresentsPlanned(())
    return Presents(named)
