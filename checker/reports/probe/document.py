"""The JSON of a probe, version 1: written by `tfcert probe`, and read back strictly as evidence.

The schema is `schemas/probe-v1.schema.json`. A report has no header, no body and no log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from checker.errors import UnreadableError
from checker.reports.json_v1 import json_text

SCHEMA: Final = "tfcert.probe/v1"
_REMEDY = "write it with `tfcert probe --format json` of this version"

Verdict = Literal[
    "trusts both",
    "trusts the successor only",
    "trusts the predecessor only",
    "requires no certificate",
    "unreachable",
    "unknown",
]
Caller = Literal["none", "predecessor", "successor"]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the document: an unknown key is an error, since it could change the meaning."""


class JsonStageName(_Part, frozen=True, kw_only=True):
    """A stage: its address in Terraform, and where it is in AWS."""

    address: str | None
    api_id: str | None
    api_name: str | None
    name: str | None
    account: str | None
    region: str | None


class JsonCaller(_Part, frozen=True, kw_only=True):
    """A certificate that a call presented."""

    id: str
    sha256_fingerprint: str | None


class JsonAnswer(_Part, frozen=True, kw_only=True):
    """The answer to one call.

    `status` is the HTTP status that API Gateway gave; null if there was no answer, and then
    `failure` says why.
    """

    caller: Caller
    status: int | None
    failure: str | None


class JsonProbedBackend(_Part, frozen=True, kw_only=True):
    """One backend behind a stage, and what its answers to three calls show."""

    stage: JsonStageName
    backend: str
    vpc_link: str | None
    method: str
    predecessor: JsonCaller
    successor: JsonCaller
    answers: tuple[JsonAnswer, ...]
    verdict: Verdict
    reason: str
    remedy: str | None


class JsonNotProbed(_Part, frozen=True, kw_only=True):
    """A stage, or one backend of it, that was not called: why, and what to do instead."""

    stage: JsonStageName
    backend: str | None
    reason: str
    remedy: str


class JsonPlannedCalls(_Part, frozen=True, kw_only=True):
    """The calls that `--dry-run` lists for one backend."""

    stage: JsonStageName
    backend: str
    vpc_link: str | None
    method: str
    callers: tuple[Caller, ...]


class JsonProbe(_Part, frozen=True, kw_only=True):
    """A run of `tfcert probe`; `planned` is filled only by a dry run, which calls nothing."""

    schema: Literal["tfcert.probe/v1"] = SCHEMA
    made_at: datetime
    exit_code: Literal[0, 1, 3, 130]
    dry_run: bool
    interrupted: bool
    calls: int
    backends: tuple[JsonProbedBackend, ...]
    not_probed: tuple[JsonNotProbed, ...]
    planned: tuple[JsonPlannedCalls, ...] = ()
    notices: tuple[str, ...] = ()


def render(document: JsonProbe) -> str:
    """Write a document as JSON."""
    return json_text(msgspec.to_builtins(document))


def read_probe(where: str, data: bytes) -> JsonProbe:
    """Read a document that `tfcert probe` wrote; raises UnreadableError for anything else."""
    try:
        document = msgspec.json.decode(data, type=JsonProbe)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(
            f"is not a report of tfcert probe: {error}", where=where, remedy=_REMEDY
        ) from error
    if document.made_at.tzinfo is None:
        raise UnreadableError(
            "is not a report of tfcert probe: `made_at` has no time zone",
            where=where,
            remedy=_REMEDY,
        )
    if document.dry_run or document.planned:
        raise UnreadableError(
            "is a dry run, which called nothing", where=where, remedy="run it without --dry-run"
        )
    return document


def probe_schema() -> dict[str, object]:
    """Return the JSON Schema of the document (2020-12)."""
    (root,), parts = msgspec.json.schema_components((JsonProbe,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tfcert:probe:v1",
        "title": "tfcert probe, version 1",
        **root,
        "$defs": parts,
    }
