"""What a headline is written from, taken from the JSON of one or several outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

from checker.model.policy import Applies
from checker.reports.headline.facts import (
    Exempted,
    Facts,
    NamedEnd,
    NextStep,
    OneFinding,
    first_end,
    tally,
)
from checker.reports.headline.planned_change import COUNTS, PlannedChange, joined
from checker.reports.json_v1_read import (
    JsonCertificate,
    JsonDocument,
    JsonFinding,
    JsonRotation,
)

_WORST = ("findings", "inconclusive", "clean")


def facts_of_documents(documents: Sequence[JsonDocument]) -> Facts | None:
    """Return the facts of several outcomes as of the latest of them; None if there are none."""
    moments = [as_of for one in documents if (as_of := moment_of(one["as_of"])) is not None]
    if not moments:
        return None
    as_of = max(moments)
    used = [one for document in documents for one in document["certificates"] if _is_used(one)]
    ends = [
        NamedEnd(
            at=at,
            name=one["address"] or f"Certificate {one['id']}",
            stages=len(one["presented_by"]),
            source=one["source"] if one["address"] else None,
        )
        for one in used
        if (at := moment_of(one["expires_at"])) is not None and at >= as_of
    ]
    findings = sorted(
        ((at, one) for at, document in enumerate(documents) for one in document["findings"]),
        key=lambda entry: _weight(entry[1]),
    )
    return Facts(
        as_of=as_of,
        verdict=min((one["verdict"] for one in documents), key=_WORST.index),
        tally=tally(_finding(at, one) for at, one in findings),
        used=len(used),
        first=first_end(ends),
        change=joined(map(_change, documents)),
        steps=tuple(step for document in documents for step in _steps(document)),
        applies=Applies.ON_MERGE
        if all(_merges(document) for document in documents)
        else Applies.ON_APPLY,
        modules=len(documents),
        by_hand=sum(len(document.get("by_hand", ())) for document in documents),
    )


def moment_of(text: str | None) -> datetime | None:
    """Parse an instant; None if there is none, or if it is not valid."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def open_rotations_of(document: JsonDocument) -> tuple[JsonRotation, ...]:
    """Return the rotations without those that nobody began because their finding is exempted."""
    exempted = Exempted(
        (
            one["rule"],
            one.get("certificate_id"),
            one["address"],
            one["suppression"] is not None,
        )
        for one in document["findings"]
    )
    return tuple(
        one
        for one in document["rotations"]
        if one.get("introduced")
        or not exempted.has((one["predecessor"], *one["predecessor"].split(", ")))
    )


def _is_used(one: JsonCertificate) -> bool:
    return bool(one["presented_by"])


def _weight(one: JsonFinding) -> tuple[int, int]:
    days = one.get("days_left")
    return (
        ("error", "warning", "note").index(one["severity"]),
        days if days is not None else 10**9,
    )


def _finding(at: int, one: JsonFinding) -> OneFinding:
    """Return a finding of the outcome at an index; each outcome counts its own certificates."""
    identity = one.get("certificate_id")
    return OneFinding(
        rule=one["rule"],
        severity=one["severity"],
        message=one["message"],
        remedy=one["remedy"],
        days_left=one.get("days_left"),
        certificate=f"{at}/{identity}" if at and identity is not None else identity,
        suppressed=one["suppression"] is not None,
        not_before=moment_of(one.get("not_before")),
    )


def _change(document: JsonDocument) -> PlannedChange | None:
    found = document.get("change")
    if found is None:
        return None
    counts: dict[str, int] = {name: cast("int", found.get(name, 0)) for name in COUNTS}
    return PlannedChange(
        **counts,
        made_at=moment_of(found.get("made_at")),
        old_ends=moment_of(found.get("old_ends")),
        unclear=found.get("unclear", False),
    )


def _steps(document: JsonDocument) -> Iterator[NextStep]:
    for one in open_rotations_of(document):
        if one["phase"] == "done":
            continue
        phased = one["phase"] in {"introduce", "repoint", "retire"}
        yield NextStep(
            phase=one["phase"],
            reason="" if phased else one["reason"] or "",
            introduce_by=moment_of(one["introduce_by"]) if one["stages"] else None,
            repoint_by=moment_of(one["repoint_by"]) if one["stages"] else None,
        )


def _merges(document: JsonDocument) -> bool:
    policy = document.get("policy")
    return policy is not None and policy.get("applies") == "on-merge"


def is_open(document: JsonDocument) -> bool:
    """Return whether an outcome has something to do."""
    return document["verdict"] != "clean" or any(
        one["suppression"] is None and one["severity"] != "note" for one in document["findings"]
    )
