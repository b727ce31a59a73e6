"""Write an outcome as JSON version 1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from checker.analysis.certificate_uses import same_certificate, stage_key, stages_after
from checker.model.address import Address
from checker.model.cases import Case, DocumentCases
from checker.model.deadlines import Late
from checker.model.finding import Finding, Suppression
from checker.model.location import Location
from checker.model.observation import Observations
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.policy import Applies
from checker.model.resources import Certificate, Presents, PresentsNothing, PresentsPlanned, Stage
from checker.model.rotation import Next, Rotation, WrittenPatch
from checker.model.severity import Severity
from checker.model.trust import TrustEvidence
from checker.reports.headline.planned_change import COUNTS, PlannedChange, planned_change
from checker.reports.presenting import searched, step_in_words

if TYPE_CHECKING:
    from checker.model.rotation import ManualRotation


def json_finding(finding: Finding) -> dict[str, Any]:
    """Return the public form of a finding; values from no document or configuration are null."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "address": finding.address,
        "certificate_id": finding.certificate_id,
        "days_left": finding.days_left,
        "message": finding.message,
        "remedy": finding.remedy,
        "location": _location(finding.location),
        "suppression": _suppression(finding.suppression),
        "source": finding.source,
        **({"not_before": instant(finding.not_before)} if finding.not_before is not None else {}),
    }


def _suppression(suppression: Suppression | None) -> dict[str, Any] | None:
    if suppression is None:
        return None
    return {
        "kind": suppression.kind,
        "reason": suppression.reason,
        "until": suppression.until.isoformat(),
        "owner": suppression.owner,
        "location": _location(suppression.location),
    }


def _location(where: Location | None) -> dict[str, Any] | None:
    return {"file": where.file, "line": where.line} if where is not None else None


def instant(moment: datetime | None) -> str | None:
    """Format a moment in RFC 3339, UTC, to the second; None stays None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None


# Characters that JSON allows unescaped, but that a terminal may obey or not show: all non-ASCII
# ones are checked, and DEL.
_BEYOND = re.compile(r"[^\x00-\x7e]")


def json_text(document: Any) -> str:
    """Return indented JSON that ends in a newline; characters that are not printable are escaped.

    Lone surrogates, which Python uses for undecodable bytes of a file name, become question marks.
    """
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_whole(document))
    return _safe(msgspec.json.format(data, indent=2))


def json_line(document: Any) -> str:
    """Return JSON in one line that ends in a newline, with the same escapes."""
    try:
        return _safe(msgspec.json.encode(document))
    except UnicodeEncodeError:
        return _safe(msgspec.json.encode(_whole(document)))


def _safe(data: bytes) -> str:
    text = data.decode() + "\n"
    return text if text.isascii() and "\x7f" not in text else _BEYOND.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char.isprintable():
        return char
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _whole(part: Any) -> Any:
    match part:
        case str():
            return part.encode("utf-8", "replace").decode()
        case dict():
            return {_whole(key): _whole(entry) for key, entry in part.items()}
        case list() | tuple():
            return [_whole(entry) for entry in part]
        case _:
            return part


SCHEMA = "tfcert.outcome/v1"


def render(outcome: Outcome) -> str:
    """Write an outcome as JSON; the same outcome gives the same bytes."""
    return json_text(outcome_document(outcome))


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return the public form of an outcome, as plain values."""
    cases = outcome.cases
    certificates = unique(
        json_certificate(case, part, cases.observations)
        for part in cases.documents
        for case in part.cases
    )
    stages = unique(
        entry for part in cases.documents for entry in json_stages(part, cases.observations)
    )
    return {
        "schema": SCHEMA,
        "as_of": instant(cases.as_of),
        "verdict": str(outcome.verdict),
        "exit_code": outcome.exit_code,
        "offline": not cases.observations.asked,
        **({"folder": outcome.checkout.folder} if outcome.checkout.folder else {}),
        **_change(planned_change(cases.documents)),
        "sources": [json_source(part) for part in cases.documents],
        "policy": {
            "name": cases.policy.name,
            "threshold_days": cases.policy.threshold_days,
            "notice_days": cases.policy.notice_days,
            **({"applies": "on-merge"} if cases.policy.applies is Applies.ON_MERGE else {}),
        },
        "summary": json_summary(outcome, len(stages), len(certificates)),
        "certificates": certificates,
        "stages": stages,
        "findings": [json_finding(finding) for finding in outcome.findings],
        "rotations": [json_rotation(rotation) for rotation in outcome.rotations],
        "notices": list(outcome.notices),
        "patches": [_patch(patch) for patch in outcome.patches],
        "by_hand": [_manual(rotation) for rotation in outcome.manual],
    }


def _change(change: PlannedChange | None) -> dict[str, Any]:
    """Return what the plans change; without a plan the key is left out."""
    if change is None:
        return {}
    moments = {"made_at": instant(change.made_at), "old_ends": instant(change.old_ends)}
    counts = {name: getattr(change, name) for name in COUNTS}
    return {
        "change": {
            **{name: count for name, count in counts.items() if count},
            **{name: moment for name, moment in moments.items() if moment is not None},
            **({"unclear": True} if change.unclear else {}),
        }
    }


def json_source(part: DocumentCases) -> dict[str, Any]:
    """Return the public form of a source."""
    source = part.document.source
    return {
        "path": source.path,
        "kind": source.kind,
        "tool_version": source.tool_version,
        "format_version": source.format_version,
    }


def json_summary(outcome: Outcome, stages: int, certificates: int) -> dict[str, int]:
    """Return the counts of an outcome."""
    counted = [finding for finding in outcome.findings if finding.suppression is None]
    return {
        "stages": stages,
        "certificates": certificates,
        **{
            severity.word: sum(finding.severity is severity for finding in counted)
            for severity in Severity
        },
        "suppressed": len(outcome.findings) - len(counted),
        "unverified": sum(finding.rule == UNVERIFIED for finding in counted),
    }


def json_certificate(case: Case, part: DocumentCases, observations: Observations) -> dict[str, Any]:
    """Return the public form of a certificate."""
    place = case.subject.place
    presenters = set(case.subject.stages)
    return {
        "address": _text(case.address),
        "id": case.id,
        "account": place.account,
        "region": place.region,
        "expires_at": instant(case.expires_at),
        "days_left": case.days_left,
        "evidence": str(case.evidence),
        "sha256_fingerprint": case.fingerprint,
        "presented_by": sorted({stage.label for stage in presenters}),
        **({} if presenters else {"searched": searched(part, case, observations)}),
        "managed": part.document.manages(case.certificate),
        "source": part.document.source.path,
    }


def json_stages(part: DocumentCases, observations: Observations) -> Iterator[dict[str, Any]]:
    """Yield the public form of stages: as they are after the plan, the destroyed as they were."""
    known: dict[str | None, list[Certificate]] = {}
    for case in part.cases:
        known.setdefault(case.id, []).append(case.certificate)
    after = stages_after(part.document)
    there = {stage.address for stage in after}
    for stage in (*after, *(stage for stage in part.document.stages if stage.address not in there)):
        yield _stage(stage, part, known, observations)


def _stage(
    stage: Stage,
    part: DocumentCases,
    known: dict[str | None, list[Certificate]],
    observations: Observations,
) -> dict[str, Any]:
    identity: str | None = None
    address: Address | None = None
    match stage.presents:
        case Presents(id=identity):
            address = next(
                (one.address for one in known.get(identity, ()) if same_certificate(one, stage)),
                None,
            )
        case PresentsPlanned(candidates=(only,), elsewhere=False):
            address = only
        case PresentsPlanned() | PresentsNothing():
            pass
    return {
        "address": _text(stage.address),
        "kind": str(stage.kind),
        "api_id": stage.api_id,
        "name": stage.name,
        "account": stage.place.account,
        "region": stage.place.region,
        "certificate_id": identity,
        "certificate_address": _text(address),
        **({"drift": "not_asked"} if stage_key(stage) in observations.not_asked else {}),
        "managed": part.document.manages(stage),
        "source": part.document.source.path,
    }


def json_rotation(rotation: Rotation) -> dict[str, Any]:
    """Return the public form of a rotation."""
    word, reason = step_in_words(rotation.step)
    if isinstance(rotation.step, Next) and rotation.taken_up is not None:
        reason = f"{rotation.taken_up.guess}; {rotation.taken_up.then}"
    return {
        "predecessor": rotation.label,
        "successor": _text(rotation.successor),
        "phase": word,
        "reason": reason,
        "introduce_by": instant(rotation.introduce_by),
        "repoint_by": instant(rotation.repoint_by),
        "stages": list(rotation.stages),
        **({"introduced": True} if rotation.introduced else {}),
        **({"late": _late(rotation.late)} if rotation.late is not None else {}),
        **({"trust": [_trust(each) for each in rotation.evidence]} if rotation.evidence else {}),
    }


def _trust(evidence: TrustEvidence) -> dict[str, Any]:
    return {
        "backend": evidence.backend,
        "stages": list(evidence.stages),
        "status": str(evidence.status),
        "predecessor": str(evidence.old),
        "reason": evidence.reason,
        "source": evidence.source,
        "server": evidence.server,
        "fingerprints": list(evidence.fingerprints),
        "may_drop": list(evidence.may_drop),
    }


def _late(late: Late) -> dict[str, Any]:
    return {
        "ends": instant(late.ends),
        "window_ends": instant(late.window_ends),
        "introduced": late.introduced,
    }


def _patch(patch: WrittenPatch) -> dict[str, Any]:
    return {
        "phase": str(patch.phase),
        "file": patch.file_name,
        "diff": patch.diff,
        "rotations": list(patch.rotations),
        "unmet": list(patch.unmet),
    }


def _manual(rotation: ManualRotation) -> dict[str, Any]:
    return {
        "certificate_id": rotation.certificate_id,
        "account": rotation.place.account,
        "region": rotation.place.region,
        "managed": rotation.managed,
        "successor_id": rotation.successor,
        "expires_at": instant(rotation.ends),
        "stages": list(rotation.stages),
        "steps": [
            {"does": step.does, "commands": list(step.commands), "then": step.then}
            for step in rotation.steps
        ],
    }


def _text(address: Address | None) -> str | None:
    return str(address) if address is not None else None


def unique(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each entry once, in a stable order; entries of different sources are all kept."""
    found = {json.dumps(entry, sort_keys=True): entry for entry in entries}
    return [found[key] for key in sorted(found)]
