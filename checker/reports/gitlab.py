"""GitLab's Code Quality report, for merge requests.

Source: GitLab, "Code Quality", on results that a CI/CD job imports. The file is an array of objects
with `description`, `check_name`, `fingerprint`, `severity`, `location.path` and
`location.lines.begin`. A path is relative to the repository and does not begin with `./`. The file
has no byte order mark.
"""

from __future__ import annotations

from typing import Any

from checker.model.finding import Finding
from checker.model.location import Location
from checker.model.outcome import Outcome
from checker.model.severity import Severity
from checker.reports.escape import printable
from checker.reports.json_v1 import json_text
from checker.reports.locations import fingerprints, locate_findings

# GitLab's severities are info, minor, major, critical and blocker.
_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render(outcome: Outcome) -> str:
    """Write the findings; suppressed ones are marked and have the severity `info`."""
    place = locate_findings(outcome)
    known = fingerprints(outcome)
    return json_text(
        [
            _issue(finding, fingerprint, place(finding))
            for finding, fingerprint in zip(outcome.findings, known, strict=True)
        ]
    )


def _issue(finding: Finding, fingerprint: str, place: Location) -> dict[str, Any]:
    suppression = finding.suppression
    address = f"{finding.address}: " if finding.address is not None else ""
    description = f"{address}{finding.message}. To do: {finding.remedy}"
    if suppression is not None:
        description = f"suppressed until {suppression.until} ({suppression.reason}): {description}"
    return {
        "description": printable(description),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity] if suppression is None else "info",
        "location": {"path": printable(place.file), "lines": {"begin": place.line}},
    }
