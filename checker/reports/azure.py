"""Azure Pipelines: logging commands, which the run's page shows as errors and warnings.

The page keeps ten issues of each type per step. Sources: Microsoft, "Logging commands"
(`task.logissue` and its properties); azure-pipelines-task-lib, node/taskcommand.ts (what is
escaped); azure-pipelines-agent, ExecutionContext.cs (`_maxIssueCount`).
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.finding import Finding
from checker.model.location import Location
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.severity import Severity
from checker.reports.escape import printable
from checker.reports.locations import locate_findings

_SHOWN = 10


def render(outcome: Outcome) -> str:
    """Write the findings that count as issues, the most urgent first, ten of each type at most.

    An unverified item is an error, since it fails the step as an error does. Azure has no milder
    type than a warning: notes and suppressed findings are plain lines, and so are omitted findings.
    """
    return "".join(f"{line}\n" for line in _lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    place = locate_findings(outcome)
    room = {"error": _SHOWN, "warning": _SHOWN}
    left = {"error": 0, "warning": 0}
    for finding in outcome.findings:
        kind = _type(finding)
        if kind is None:
            yield _plain(finding)
        elif room[kind]:
            room[kind] -= 1
            yield _issue(kind, finding, place(finding))
        else:
            left[kind] += 1
            yield _plain(finding)
    more = [f"{count} more {kind}s" for kind, count in left.items() if count]
    note = f"; {', '.join(more)} than the page shows: they are in this log" if more else ""
    yield f"tfcert: {outcome.verdict}{note}"


def _type(finding: Finding) -> str | None:
    if finding.suppression is not None:
        return None
    if finding.rule == UNVERIFIED or finding.severity is Severity.ERROR:
        return "error"
    return "warning" if finding.severity is Severity.WARNING else None


def _issue(kind: str, finding: Finding, place: Location) -> str:
    properties = {
        "type": kind,
        "sourcepath": place.file,
        "linenumber": str(place.line),
        "code": finding.rule,
    }
    named = "".join(f"{key}={_property(text)};" for key, text in properties.items())
    return f"##vso[task.logissue {named}]{_data(_text(finding))}"


def _plain(finding: Finding) -> str:
    kind = finding.severity.word
    if finding.suppression is not None:
        kind = f"suppressed until {finding.suppression.until} ({finding.suppression.reason})"
    return printable(f"{kind}: {finding.rule}: {_text(finding)}")


def _text(finding: Finding) -> str:
    address = f"{finding.address}: " if finding.address is not None else ""
    return f"{address}{finding.message}. To do: {finding.remedy}"


def _data(text: str) -> str:
    """Escape the message of a logging command; line ends are already shown as escapes."""
    return printable(text).replace("%", "%AZP25")


def _property(text: str) -> str:
    return _data(text).replace("]", "%5D").replace(";", "%3B")
