"""JUnit XML, for the test pages of CI systems: a suite per source, a case per checked item.

The items are certificates and stages. Source: the XSD of Jenkins' xUnit plugin, version 10, which
the reports of Surefire, pytest and GitLab follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from checker.analysis.certificate_uses import stages_after
from checker.model.cases import DocumentCases
from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, Outcome
from checker.reports.escape import printable
from checker.reports.json_v1 import instant
from checker.rules.base import stage_name

_AS_A_WHOLE = "the run as a whole"


def render(outcome: Outcome) -> str:
    """Write an outcome.

    A failure is a finding that fails the gate, an error is an unverified item, skipped is a
    suppressed finding. A checked item without findings is a case that passes. So an empty report
    differs from a report without findings.
    """
    report = JUnitXml("tfcert")
    by_source: dict[str | None, list[Finding]] = {}
    for finding in outcome.findings:
        by_source.setdefault(finding.source, []).append(finding)
    for part in outcome.cases.documents:
        path = part.document.source.path
        report.append(_suite(path, by_source.pop(path, []), _judged(part), outcome))
    rest = [finding for findings in by_source.values() for finding in findings]
    if rest:
        report.append(_suite(_AS_A_WHOLE, rest, (), outcome))
    # Not the library's own count, which includes the skipped cases: the XSD has no attribute
    # for them there.
    report.tests = sum(suite.tests for suite in report)
    report.failures = sum(suite.failures for suite in report)
    report.errors = sum(suite.errors for suite in report)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{report.tostring().decode()}\n"


def _suite(
    name: str, findings: list[Finding], judged: Iterable[str], outcome: Outcome
) -> TestSuite:
    suite = TestSuite(printable(name))
    suite.timestamp = instant(outcome.cases.as_of) or ""
    suite.add_property("verdict", str(outcome.verdict))
    suite.add_property(
        "aws",
        "asked"
        if outcome.cases.observations.asked
        else "not asked (--offline): dates are recorded ones",
    )
    for notice in outcome.notices:
        suite.add_property("notice", printable(notice))
    found = {_subject(finding) for finding in findings}
    named: Counter[tuple[str, str]] = Counter()
    cases = []
    for finding in findings:
        named[key := (_subject(finding), finding.rule)] += 1
        cases.append(_case(finding, outcome, again=named[key]))
    cases += (
        _passed("no finding", subject) for subject in sorted(set(judged)) if subject not in found
    )
    suite.add_testcases(cases)
    return suite


def _judged(part: DocumentCases) -> Iterator[str]:
    yield from (str(case.address or case.id) for case in part.cases if case.id is not None)
    yield from (stage_name(stage) for stage in stages_after(part.document))


def _subject(finding: Finding) -> str:
    stages = finding.about if isinstance(finding.about, tuple) else ()
    return (
        finding.address
        or finding.certificate_id
        or ", ".join(map(stage_name, stages))
        or _AS_A_WHOLE
    )


def _case(finding: Finding, outcome: Outcome, *, again: int) -> TestCase:
    case = _passed(finding.rule if again == 1 else f"{finding.rule} ({again})", _subject(finding))
    message = printable(finding.message)
    suppression = finding.suppression
    where = f"{finding.location}: " if finding.location is not None else ""
    more = (
        printable(f"{where}{finding.severity.word}: {finding.message}")
        + "\n"
        + printable(f"what to do: {finding.remedy}")
    )
    if suppression is not None:
        case.result = [
            Skipped(
                printable(f"suppressed until {suppression.until}: {suppression.reason}"),
                str(suppression.kind),
            )
        ]
        case.system_out = more
        return case
    if finding.rule == UNVERIFIED:
        result: FinalResult = Error(message, finding.severity.word)
    elif outcome.fails(finding):
        result = Failure(message, finding.severity.word)
    else:
        case.system_out = more
        return case
    result.text = more
    case.result = [result]
    return case


def _passed(name: str, subject: str) -> TestCase:
    return TestCase(printable(name), printable(subject), 0)
