"""A finding as the JSON shows it, with where it is and who exempted it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from checker.domain.finding import Finding, Suppression
from checker.domain.location import Location


def json_finding(finding: Finding) -> dict[str, Any]:
    """The public view of a finding; what no document and no configuration says is null."""
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
    """A moment in RFC 3339, UTC, to the second; None stays None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None
