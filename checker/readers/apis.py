"""APIs as records have them: their names, which the scopes of a policy may ask for, and their protocols."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from checker.domain.errors import UnreadableError
from checker.domain.resource_types import APIS
from checker.domain.stage import PresentsNothing, Stage, StageKind
from checker.domain.value import replace
from checker.readers.decoding import decode
from checker.readers.records import Record

ApiKey = tuple[StageKind, str]


class _Attributes(Struct, frozen=True, gc=False):
    id: str | None = None
    rest_api_id: str | None = None
    name: str | None = None
    protocol_type: str | None = None


def api_names(records: Iterable[Record]) -> Mapping[ApiKey, str]:
    """The name of each API in some records, by kind and id; none for one whose name is hidden, or that cannot be read."""
    found: dict[ApiKey, str] = {}
    for record in records:
        if record.type not in APIS or record.deposed is not None or record.hides("name") or record.awaits("name"):
            continue
        try:
            read = decode(record.attributes, _Attributes, record.spot)
        except UnreadableError:
            continue
        # awscc composes its own `id`; the API's is the read-only attribute.
        identity = read.rest_api_id or read.id
        if identity and read.name and read.name.isprintable():
            found[APIS[record.type], identity] = read.name
    return found


def http_apis(records: Iterable[Record]) -> frozenset[str]:
    """Return the ids of the HTTP APIs in some records; an API whose protocol is hidden or not known yet is none of them.

    Only a WebSocket API of the second version has stages with a client certificate. Source: API Gateway V2 API reference, Stage
    (`clientCertificateId`: "Supported only for WebSocket APIs").
    """
    found: set[str] = set()
    other: set[str] = set()
    for record in records:
        if APIS.get(record.type) is not StageKind.WEBSOCKET or record.hides("protocol_type") or record.awaits("protocol_type"):
            continue
        try:
            read = decode(record.attributes, _Attributes, record.spot)
        except UnreadableError:
            continue
        if read.id:
            (found if read.protocol_type == "HTTP" else other).add(read.id)
    return frozenset(found - other)


def can_present(stage: Stage, http: Collection[str]) -> bool:
    """Whether a stage may present a certificate: one of an HTTP API cannot, unless the document says that it does."""
    return stage.kind is StageKind.REST or stage.api_id not in http or not isinstance(stage.presents, PresentsNothing)


def named_by(names: Mapping[ApiKey, str], stage: Stage) -> Stage:
    """The stage with the name of its API, where that is among them."""
    name = names.get((stage.kind, stage.api_id)) if stage.api_id is not None else None
    return replace(stage, api_name=name) if name is not None else stage
