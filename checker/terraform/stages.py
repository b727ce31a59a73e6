"""Read a stage from the attributes of a resource."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from checker.errors import UnreadableError
from checker.model.resource_types import APIS, STAGES
from checker.model.resources import (
    Presented,
    Presents,
    PresentsNothing,
    PresentsPlanned,
    Stage,
    StageKind,
)
from checker.terraform.decode import decode, printable
from checker.terraform.records import Record, optional_value

if TYPE_CHECKING:
    from checker.model.conditions import Tags


def read_tags(
    record: Record, own: Raw | UnsetType, every: Raw | UnsetType, asked: Collection[str]
) -> Tags | None:
    """Return the requested tags of an object, including those that the provider adds.

    Returns None if no document shows the tags, or if they are hidden. The provider aws has a
    mapping, `awscc` has a list of keys and values. Any other form counts as unknown.
    """
    if not asked:
        return None
    for name, value in (("tags_all", every), ("tags", own)):
        if record.awaits(name) or record.hides(name):
            return None
        found = optional_value(value) if value is not UNSET else None
        if found is not None:
            return _read(found, record, asked)
    return () if own is not UNSET or every is not UNSET else None


def _read(found: Raw, record: Record, asked: Collection[str]) -> Tags | None:
    try:
        if bytes(found).lstrip().startswith(b"["):
            pairs = decode(found, list[dict[str, str | None]], record.json_path)
            tags = [(entry.get("key"), entry.get("value")) for entry in pairs]
        else:
            tags = list(decode(found, dict[str | None, str | None], record.json_path).items())
    except UnreadableError:
        return None
    return tuple(
        sorted(
            (key, text)
            for key, text in tags
            if key in asked and key is not None and text is not None
        )
    )


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

    An id that is marked sensitive is kept only if a certificate discloses it (`disclosed`). A tag
    is kept only if it is requested (`tags`). No certificate is null, the empty string or a missing
    value: the provider writes "" after a certificate was removed. If the id is hidden or not known
    yet, the stage is `PresentsPlanned` without candidates. Raises UnreadableError at an attribute
    of the wrong type.
    """
    found = decode(record.attributes, _Attributes, record.json_path)
    if record.type == "aws_apigatewayv2_stage":
        # Its id is only the stage's name, which two APIs may share. Source: provider
        # apigatewayv2/stage.go.
        api_id, name, fallback = "api_id", "name", "id"
    else:
        api_id, name, fallback = "rest_api_id", "stage_name", "stage_name"
    return Stage(
        address=record.address,
        kind=STAGES[record.type],
        api_id=_shown(record, found, api_id),
        name=_shown(record, found, name) or _shown(record, found, fallback),
        place=record.place_by(found.region, found.execution_arn, found.arn),
        presents=_presented(record, found, disclosed),
        deposed=record.deposed,
        tags=read_tags(record, found.tags, found.tags_all, tags),
    )


def _shown(record: Record, found: _Attributes, name: str) -> str | None:
    if record.hides(name) or record.awaits(name):
        return None
    return printable(getattr(found, name), record.json_path.key(name))


def _presented(record: Record, found: _Attributes, disclosed: Collection[str]) -> Presented:
    if record.awaits(PRESENTED):
        return PresentsPlanned(())
    named = printable(found.client_certificate_id, record.json_path.key(PRESENTED))
    if named is None:
        return PresentsNothing()
    if record.hides(PRESENTED) and named not in disclosed:
        return PresentsPlanned(())
    return Presents(named)


ApiKey = tuple[StageKind, str]


class _ApiAttributes(Struct, frozen=True, gc=False):
    id: str | None = None
    rest_api_id: str | None = None
    name: str | None = None
    protocol_type: str | None = None


def api_names(records: Iterable[Record]) -> Mapping[ApiKey, str]:
    """Return the name of each API in the records, by kind and id.

    An API whose name is hidden or unreadable is left out.
    """
    found: dict[ApiKey, str] = {}
    for record in records:
        if (
            record.type not in APIS
            or record.deposed is not None
            or record.hides("name")
            or record.awaits("name")
        ):
            continue
        try:
            read = decode(record.attributes, _ApiAttributes, record.json_path)
        except UnreadableError:
            continue
        # awscc composes its own `id`; this read-only attribute is the API's id.
        identity = read.rest_api_id or read.id
        if identity and read.name and read.name.isprintable():
            found[APIS[record.type], identity] = read.name
    return found


def http_apis(records: Iterable[Record]) -> frozenset[str]:
    """Return the ids of the HTTP APIs in the records.

    An API whose protocol is hidden or unknown is not among them. Only a WebSocket API of version 2
    has stages with a client certificate. Source: API Gateway V2 API reference, Stage
    (`clientCertificateId`: "Supported only for WebSocket APIs").
    """
    found: set[str] = set()
    other: set[str] = set()
    for record in records:
        if (
            APIS.get(record.type) is not StageKind.WEBSOCKET
            or record.hides("protocol_type")
            or record.awaits("protocol_type")
        ):
            continue
        try:
            read = decode(record.attributes, _ApiAttributes, record.json_path)
        except UnreadableError:
            continue
        if read.id:
            (found if read.protocol_type == "HTTP" else other).add(read.id)
    return frozenset(found - other)


def can_present(stage: Stage, http: Collection[str]) -> bool:
    """Return whether a stage may present a certificate.

    A stage of an HTTP API cannot, unless the document shows that it does.
    """
    return (
        stage.kind is StageKind.REST
        or stage.api_id not in http
        or not isinstance(stage.presents, PresentsNothing)
    )


def with_api_name(names: Mapping[ApiKey, str], stage: Stage) -> Stage:
    """Return the stage with the name of its API, if that name is known."""
    name = names.get((stage.kind, stage.api_id)) if stage.api_id is not None else None
    return replace(stage, api_name=name) if name is not None else stage
