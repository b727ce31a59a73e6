"""Write an outcome as JSON Lines: one object a line, written as it is made.

The first line is the run, the last one counts the lines: a file without it was cut short.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker.analysis.fleet_groups import GroupNames, owner_of
from checker.model.outcome import GroupBy, Outcome
from checker.reports.json_v1 import (
    instant,
    json_certificate,
    json_finding,
    json_line,
    json_rotation,
    json_source,
    json_stages,
    json_summary,
    unique,
)

SCHEMA = "tfcert.lines/v1"


def render(outcome: Outcome) -> str:
    """Write an outcome as JSON Lines; the same outcome gives the same bytes."""
    return "".join(stream(outcome))


def stream(outcome: Outcome) -> Iterator[str]:
    """Yield the lines."""
    count = 1
    for document in _lines(outcome):
        count += 1
        yield json_line(document)
    yield json_line({"type": "end", "lines": count})


def _lines(outcome: Outcome) -> Iterator[dict[str, Any]]:
    cases = outcome.cases
    names = GroupNames(outcome)
    certificates = sum(len(part.cases) for part in cases.documents)
    stages = sum(len(part.document.stages) for part in cases.documents)
    yield {
        "type": "run",
        "schema": SCHEMA,
        "as_of": instant(cases.as_of),
        "verdict": str(outcome.verdict),
        "exit_code": outcome.exit_code,
        "offline": not cases.observations.asked,
        "policy": {
            "name": cases.policy.name,
            "threshold_days": cases.policy.threshold_days,
            "notice_days": cases.policy.notice_days,
        },
        "states_read": outcome.fleet.read if outcome.fleet is not None else len(cases.documents),
        "summary": json_summary(outcome, stages, certificates),
    }
    for part in cases.documents:
        yield {"type": "source", **json_source(part)}
        owners = {str(each.address): owner_of(each) for each in part.document.stages}
        yield from unique(
            {
                "type": "certificate",
                **json_certificate(case, part, cases.observations),
                "owner": names.owner_or_none(case.subject),
            }
            for case in part.cases
        )
        for stage in unique(json_stages(part, cases.observations)):
            yield {"type": "stage", **stage, "owner": owners.get(stage["address"])}
    for finding in outcome.findings:
        yield {
            "type": "finding",
            **json_finding(finding),
            **{str(by): names.known(by, finding) for by in _OF_FINDING},
        }
    for rotation in outcome.rotations:
        yield {"type": "rotation", **json_rotation(rotation)}
    for notice in outcome.notices:
        yield {"type": "notice", "text": notice}


_OF_FINDING = (GroupBy.ACCOUNT, GroupBy.REGION, GroupBy.OWNER)
