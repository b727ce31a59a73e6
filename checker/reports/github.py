"""GitHub Actions: annotations, and the summary of a step.

GitHub shows ten annotations of each level per step. Source: GitHub, "Workflow commands for GitHub
Actions"; actions/toolkit, packages/core/src/command.ts (`escapeData` and `escapeProperty`); the
limits: GitHub, "Usage limits", annotations of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from checker.model.finding import Finding
from checker.model.location import Location
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.severity import Severity
from checker.reports.escape import printable
from checker.reports.json_v1_read import JsonFinding
from checker.reports.locations import locate_findings
from checker.reports.markdown.escape import NamedAccounts, mask_accounts

_SHOWN = 10
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(outcome: Outcome) -> str:
    """Write the findings that count, the most urgent first, ten per level at most.

    The last annotation has the number of the omitted ones. An unverified item is an error, since it
    fails the step as an error does. A suppressed finding is a notice.
    """
    place = locate_findings(outcome)
    levels: dict[str, list[Finding]] = {"error": [], "warning": [], "notice": []}
    for finding in outcome.findings:
        levels[_level(finding)].append(finding)
    return "".join(
        f"{line}\n"
        for line in _lines(
            outcome, levels, {finding: place(finding) for finding in outcome.findings}
        )
    )


def summary(outcome: Outcome, limit: int) -> str:
    """Return a step's summary: Markdown of at most `limit` UTF-16 code units, and a newline."""
    # Imported here, since annotations do not need it.
    from checker.reports.markdown import render_within

    return render_within(outcome, limit).rstrip("\n") + "\n"


def _lines(
    outcome: Outcome, levels: dict[str, list[Finding]], places: dict[Finding, Location]
) -> Iterator[str]:
    # The last notice is reserved for the total.
    room = {"error": _SHOWN, "warning": _SHOWN, "notice": _SHOWN - 1}
    for level, findings in levels.items():
        for finding in findings[: room[level]]:
            yield _annotation(level, finding, places[finding])
    more = [
        f"{len(findings) - room[level]} more {level}s"
        for level, findings in levels.items()
        if len(findings) > room[level]
    ]
    notice = f"tfcert: {outcome.verdict}"
    if more:
        notice += f"; {', '.join(more)} than GitHub shows: read the job's summary, or --format json"
    yield f"::notice title=tfcert::{data(notice)}"


def _level(finding: Finding) -> str:
    if finding.suppression is not None:
        return "notice"
    return "error" if finding.rule == UNVERIFIED else _COMMANDS[finding.severity]


def _annotation(level: str, finding: Finding, place: Location) -> str:
    title = f"{finding.rule} {finding.address or ''}".rstrip()
    lines: Iterable[str] = (finding.message, f"To do: {finding.remedy}")
    if finding.suppression is not None:
        title = f"suppressed: {title}"
        lines = (
            f"Suppressed until {finding.suppression.until}: {finding.suppression.reason}",
            *lines,
        )
    where = f"file={attribute(place.file)},line={place.line},title={attribute(title)}"
    return f"::{level} {where}::{data(chr(10).join(map(printable, lines)))}"


def data(text: str) -> str:
    """Escape the text of a workflow command, as GitHub's toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def attribute(text: str) -> str:
    """Escape the value of a workflow command's property, as GitHub's toolkit does."""
    return data(printable(text)).replace(":", "%3A").replace(",", "%2C")


# GitHub shows ten of a kind per step, and ignores the rest silently.
_MOST = 9
_ANNOTATION_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def workflow_commands(documents: Sequence[NamedAccounts], *, masked: bool = False) -> Iterator[str]:
    """Yield a workflow command for each finding that counts, the most severe first.

    The last command has the number of the omitted findings.
    """
    shown = mask_accounts(documents) if masked else documents
    found = [
        (each.name, one)
        for each in shown
        for one in each.document["findings"]
        if one["suppression"] is None
    ]
    for command in ("error", "warning", "notice"):
        those = [(name, one) for name, one in found if _command(one) == command]
        for name, one in those[:_MOST]:
            text = "{message}. To do: {remedy}".format(**one)
            yield f"::{command} {_properties(name, one)}::{data(printable(text))}"
        if len(those) > _MOST:
            yield f"::{command} title=tfcert::and {len(those) - _MOST} more {command}s, in the JSON"


def _command(one: JsonFinding) -> str:
    # An unverified item fails a step as an error does.
    return "error" if one["rule"] == UNVERIFIED else _ANNOTATION_COMMANDS[one["severity"]]


def _properties(name: str, one: JsonFinding) -> str:
    where = one["location"]
    place = {"file": where["file"], "line": str(where["line"])} if where is not None else {}
    title = " ".join(filter(None, (name, one["rule"], one["address"])))
    return ",".join(f"{key}={attribute(text)}" for key, text in {**place, "title": title}.items())
