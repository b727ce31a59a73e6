"""SARIF 2.1.0, for code-scanning pages and for tfplan2md.

Sources: the OASIS standard (the section numbers below are from it). GitHub, "SARIF support for code
scanning": a result needs a physical location with a relative URI, and `originalUriBaseIds` is not
read, so paths start at the repository's root. tfplan2md's `ResourceMapper`: a finding belongs to
the resource of each logical location, so each result has one at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from checker.model.finding import Finding, Suppression
from checker.model.location import Location
from checker.model.outcome import UNVERIFIED, Outcome
from checker.reports.escape import printable
from checker.reports.json_v1 import instant, json_text
from checker.reports.locations import document_path, fingerprints, locate_findings
from checker.rules import RULES
from checker.rules.base import Rule
from checker.rules.docs import page_of

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"
_EXIT = {
    0: "clean",
    1: "findings at or above --fail-on",
    3: "inconclusive: not everything could be checked",
}


def render(outcome: Outcome) -> str:
    """Write an outcome as one run of a SARIF log."""
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(outcome)]})


def _run(outcome: Outcome) -> dict[str, Any]:
    from importlib.metadata import version

    place = locate_findings(outcome)
    files = _Files(outcome)
    numbers = {rule.name: number for number, rule in enumerate(RULES)}
    known = fingerprints(outcome)
    results = [
        _result(finding, fingerprint, files.at(place(finding)), files, numbers)
        for finding, fingerprint in zip(outcome.findings, known, strict=True)
    ]
    policy = outcome.cases.policy
    return {
        "tool": {
            "driver": {
                "name": "tfcert",
                "version": version("tfcert"),
                "rules": [_rule(rule) for rule in RULES],
            }
        },
        "invocations": [_invocation(outcome, numbers, [result["locations"] for result in results])],
        "originalUriBaseIds": {
            _ROOT: {
                "description": {
                    "text": "The root of the repository, else the folder that tfcert ran in."
                }
            }
        },
        "artifacts": files.listed,
        "results": results,
        "properties": {
            "asOf": instant(outcome.cases.as_of),
            "verdict": str(outcome.verdict),
            "offline": not outcome.cases.observations.asked,
            "policy": {
                "name": policy.name,
                "thresholdDays": policy.threshold_days,
                "noticeDays": policy.notice_days,
            },
        },
    }


class _Files:
    """The files of the run, each with its number: the documents, then the files of findings."""

    def __init__(self, outcome: Outcome) -> None:
        self.checkout = outcome.checkout
        self.listed: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}
        for part in outcome.cases.documents:
            self._number(document_path(part, outcome.checkout), "analysisTarget")

    def at(self, location: Location) -> dict[str, Any]:
        """Return a physical location (3.29)."""
        number = self._number(location.file, "resultFile")
        artifact = {**self.listed[number]["location"], "index": number}
        return {"artifactLocation": artifact, "region": {"startLine": location.line}}

    def _number(self, path: str, role: str) -> int:
        number = self._numbers.setdefault(path, len(self.listed))
        if number == len(self.listed):
            self.listed.append(
                {
                    "location": {"uri": quote(path, errors="replace"), "uriBaseId": _ROOT},
                    "roles": [],
                }
            )
        roles = self.listed[number]["roles"]
        if role not in roles:
            roles.append(role)
        return number


def _rule(rule: Rule) -> dict[str, Any]:
    page = page_of(rule)
    return {
        "id": rule.name,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": _sentence(rule.says[0].upper() + rule.says[1:])},
        "fullDescription": {"text": page.summary},
        "help": {"text": page.text, "markdown": page.markdown},
        "defaultConfiguration": {"level": rule.severity.word, "enabled": not rule.off},
        "properties": {"tags": ["api-gateway", "certificate", "terraform"]},
    }


def _result(
    finding: Finding,
    fingerprint: str,
    physical: dict[str, Any],
    files: _Files,
    numbers: dict[str, int],
) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.address is not None:
        address = printable(finding.address)
        location["logicalLocations"] = [{"fullyQualifiedName": address, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": numbers[finding.rule],
        "level": finding.severity.word,
        "message": {"text": _message(f"{_sentence(finding.message)} To do: {finding.remedy}")},
        "locations": [location],
        # GitHub identifies a finding by this first fingerprint alone. It would otherwise compute
        # one from the line's text, the same for all instances of a block.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{fingerprint[:16]}:1",
            "tfcertFinding/v1": fingerprint,
        },
        "suppressions": [_suppression(finding.suppression, files)]
        if finding.suppression is not None
        else [],
        "properties": {
            "certificateId": finding.certificate_id,
            "daysLeft": finding.days_left,
            "remedy": finding.remedy,
            "source": finding.source,
        },
    }


def _suppression(suppression: Suppression, files: _Files) -> dict[str, Any]:
    by = f" ({suppression.owner})" if suppression.owner is not None else ""
    made: dict[str, Any] = {
        "kind": str(suppression.kind),
        "status": "accepted",
        "justification": printable(f"{suppression.reason}{by}, until {suppression.until}"),
    }
    if suppression.location is not None and (
        path := files.checkout.path(suppression.location.file)
    ):
        made["location"] = {"physicalLocation": files.at(Location(path, suppression.location.line))}
    return made


def _invocation(
    outcome: Outcome, numbers: dict[str, int], locations: list[list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return the invocation; unknown results make it unsuccessful.

    So no page reads an empty list of results as clean.
    """
    notifications = list(_notifications(outcome, numbers, locations))
    return {
        "executionSuccessful": not any(
            notification["level"] == "error" for notification in notifications
        ),
        "exitCode": outcome.exit_code,
        "exitCodeDescription": _EXIT[outcome.exit_code],
        "toolExecutionNotifications": notifications,
    }


def _notifications(
    outcome: Outcome, numbers: dict[str, int], locations: list[list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for finding, at in zip(outcome.findings, locations, strict=True):
        if finding.rule == UNVERIFIED and finding.suppression is None:
            yield {
                "level": "error",
                "associatedRule": {"id": finding.rule, "index": numbers[finding.rule]},
                "message": {
                    "text": _message(f"{_sentence(finding.message)} To do: {finding.remedy}")
                },
                "locations": at,
            }
    for notice in outcome.notices:
        yield {"level": "note", "message": {"text": _message(notice)}}


def _message(text: str) -> str:
    """Escape a message: braces are doubled (3.11.5), and nothing is read as a link (3.11.6)."""
    return printable(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
