"""The JSON of a probe, version 1: written by `tfcert probe`, and read back strictly as evidence.

The schema is `schemas/probe-v1.schema.json`. A report has no header, no body and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from checker.errors import UnreadableError
from checker.model.probe import (
    NotProbed,
    ProbeAnswer,
    ProbeBackend,
    ProbedBackend,
    ProbeReport,
    ProbeTarget,
    ProbeVerdict,
)
from checker.model.resources import Stage
from checker.model.trust import StageCertificate
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


# What to do after each verdict; None where nothing is to do.
_REMEDIES: Mapping[ProbeVerdict, str | None] = {
    ProbeVerdict.BOTH: None,
    ProbeVerdict.SUCCESSOR_ONLY: "keep the predecessor in what it trusts until no stage presents "
    "it: without that there is no way back",
    ProbeVerdict.PREDECESSOR_ONLY: "add the successor's PEM to what it trusts, beside the old one "
    "(`tfcert bundle`), reload it, then probe again",
    ProbeVerdict.NOT_REQUIRED: "make it require a client certificate, or declare its bundle in the "
    "policy (docs/trust.md)",
    ProbeVerdict.UNREACHABLE: "look at the backend and at the integration, then probe again",
    ProbeVerdict.UNKNOWN: "probe a method that it answers with 200 to a caller that it trusts "
    "(--method), with a header if it needs one (--header)",
}


def report_document(report: ProbeReport, notices: tuple[str, ...] = ()) -> JsonProbe:
    """Return the document of a run.

    The exit code is 1 if a backend refuses the successor, and 3 if something else is not
    confirmed, or if nothing was called and a notice has the reason.
    """
    verdicts = [each.verdict for each in report.results]
    code: Literal[0, 1, 3, 130] = 0
    if report.interrupted:
        code = 130
    elif any(each.refuses for each in verdicts):
        code = 1
    elif (
        report.not_probed
        or not all(each.confirms for each in verdicts)
        or (notices and not verdicts)
    ):
        code = 3
    return JsonProbe(
        made_at=report.made_at.astimezone(UTC).replace(microsecond=0),
        exit_code=code,
        dry_run=False,
        interrupted=report.interrupted,
        calls=report.calls,
        backends=tuple(map(_backend, report.results)),
        not_probed=tuple(map(_not_probed, report.not_probed)),
        notices=notices,
    )


def plan_document(
    targets: tuple[ProbeTarget, ...],
    not_probed: tuple[NotProbed, ...],
    made_at: datetime,
    notices: tuple[str, ...] = (),
) -> JsonProbe:
    """Return the document of a dry run: the calls that a run would make."""
    return JsonProbe(
        made_at=made_at.astimezone(UTC).replace(microsecond=0),
        exit_code=0,
        dry_run=True,
        interrupted=False,
        calls=0,
        backends=(),
        not_probed=tuple(map(_not_probed, not_probed)),
        planned=tuple(
            JsonPlannedCalls(
                stage=_stage(each.pair.stage),
                backend=url(each.backend),
                vpc_link=each.backend.vpc_link,
                method=each.method,
                callers=("none", "predecessor", "successor"),
            )
            for each in targets
        ),
        notices=notices,
    )


def _backend(probed: ProbedBackend) -> JsonProbedBackend:
    target = probed.target
    return JsonProbedBackend(
        stage=_stage(target.pair.stage),
        backend=url(target.backend),
        vpc_link=target.backend.vpc_link,
        method=target.method,
        predecessor=_certificate(target.pair.predecessor),
        successor=_certificate(target.pair.successor),
        answers=(
            _answer("none", probed.control),
            _answer("predecessor", probed.predecessor),
            _answer("successor", probed.successor),
        ),
        verdict=probed.verdict.value,
        reason=probed.reason,
        remedy=_REMEDIES[probed.verdict],
    )


def _not_probed(other: NotProbed) -> JsonNotProbed:
    return JsonNotProbed(
        stage=_stage(other.pair.stage),
        backend=url(other.backend) if other.backend is not None else None,
        reason=other.reason,
        remedy=other.remedy,
    )


def _stage(stage: Stage) -> JsonStageName:
    return JsonStageName(
        address=str(stage.address) if stage.address is not None else None,
        api_id=stage.api_id,
        name=stage.name,
        account=stage.place.account,
        region=stage.place.region,
    )


def url(backend: ProbeBackend) -> str:
    """Return the scheme, the host and the port of a backend."""
    return f"{backend.scheme}://{backend.host}:{backend.port}"


def _certificate(certificate: StageCertificate | None) -> JsonCaller:
    # The engine probes no stage whose certificates are not known.
    return JsonCaller(
        id=certificate.id if certificate is not None else "",
        sha256_fingerprint=certificate.fingerprint if certificate is not None else None,
    )


def _answer(caller: Caller, answer: ProbeAnswer) -> JsonAnswer:
    return JsonAnswer(caller=caller, status=answer.status, failure=answer.reason)


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
    try:
        document.made_at.astimezone(UTC)
    except OverflowError as error:
        raise UnreadableError(
            "is not a report of tfcert probe: `made_at` is not a date of UTC",
            where=where,
            remedy=_REMEDY,
        ) from error
    if document.dry_run or document.planned:
        raise UnreadableError(
            "is a dry run, which called nothing", where=where, remedy="run it without --dry-run"
        )
    return document


def probe_schema() -> dict[str, object]:
    """Return the JSON Schema of the document (2020-12)."""
    from inspect import cleandoc

    (root,), parts = msgspec.json.schema_components((JsonProbe,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tfcert:probe:v1",
        "title": "tfcert probe, version 1",
        **root,
        # msgspec before 0.23 keeps the indentation of docstrings.
        "$defs": {
            name: part | {"description": cleandoc(part["description"])}
            if "description" in part
            else part
            for name, part in parts.items()
        },
    }
