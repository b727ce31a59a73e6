"""Plans and states: from the JSON that Terraform or OpenTofu wrote to a document."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET

from checker.domain.collector import collector_paused
from checker.domain.errors import UnreadableError
from checker.domain.inventory import Document, Source, SourceKind
from checker.readers.decoding import Buffer, decode, members
from checker.readers.envelope import Envelope, read_envelope
from checker.readers.recognition import recognise
from checker.readers.recorded import read_records
from checker.readers.shown_state import shown_records
from checker.readers.spot import Spot
from checker.readers.stage_writers import notices
from checker.readers.versions import check_format, check_raw_state


def read_document(path: str, data: Buffer, *, kind: SourceKind | None = None, tags: Collection[str] = ()) -> Document:
    """Read a plan or a state from plain UTF-8 JSON.

    `path` names it in the result and in errors; `kind` overrides what the source is said to be, for a directory's state. Of
    tags only those asked for (`tags`) are kept.
    Raises UnreadableError for everything that is neither.
    """
    spot = Spot(path)
    with collector_paused():
        try:
            top = members(data, spot)
        except UnreadableError as error:
            from checker.readers.strangers import what_else

            raise what_else(data, spot) or error from error
        match recognise(top, spot):
            case "plan":
                from checker.readers.plan import read_plan

                found = read_envelope(top, spot)
                _check_format(found, spot)
                return read_plan(found, top, _source(found, path, kind or "plan"), spot, tags)
            case "shown state":
                found = read_envelope(top, spot)
                _check_format(found, spot)
                records = shown_records(found.values, spot.key("values"))
            case "raw state":
                from checker.readers.raw_state import raw_records

                check_raw_state(decode(top["version"], int, spot.key("version")), spot.key("version"))
                found = read_envelope(top, spot)
                records = raw_records(found.resources or (), spot.key("resources"), top.get("resources"))
        recorded = read_records(records, tags)
        return Document(
            source=_source(found, path, kind or "state"),
            stages=recorded.stages,
            certificates=recorded.certificates,
            notices=(*recorded.notices, *notices(records)),
        )


def _check_format(found: Envelope, spot: Spot) -> None:
    check_format(found.format_version or "", spot.key("format_version"))


def _source(found: Envelope, path: str, kind: SourceKind) -> Source:
    raw = None if found.version is UNSET else str(found.version)
    return Source(path=path, kind=kind, tool_version=found.terraform_version, format_version=found.format_version or raw)
