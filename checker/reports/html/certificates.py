"""The rows of the timeline: one per certificate, with the stages that present it.

Urgent certificates come first; the others are grouped by month.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import groupby

from msgspec import Struct

from checker.analysis.scoping import Scoping
from checker.model.cases import Case, DocumentCases, Evidence
from checker.model.outcome import Outcome
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.resources import Stage
from checker.model.rotation import Done, Rotation
from checker.reports.html.format import (
    Date,
    Life,
    Name,
    StageName,
    date_of,
    life_of,
    listed,
    month_of,
    name_of,
)
from checker.reports.presenting import deadlines_of_case, presenters_in_words, searched

_OPEN = 40
_FEW = 12
_EVIDENCE = {
    Evidence.OBSERVED: "confirmed by AWS",
    Evidence.RECORDED: "recorded, AWS was not asked",
    Evidence.GONE: "AWS does not know it",
    Evidence.UNANSWERED: "AWS did not answer",
    Evidence.UNKNOWN: "AWS was not asked",
}


class CertificateRow(Struct, frozen=True, kw_only=True):
    """One certificate.

    `tone` is ended, threshold, notice, open (its end or existence is not certain), planned, idle or
    calm. `days_past` are the whole days since its end. `presented` is empty where the name of the
    row is that of the one stage.
    """

    anchor: str
    name: Name
    about: tuple[str, ...]
    evidence: str
    tone: str
    days_left: int | None
    days_past: int
    end: Date | None
    month: str
    due: tuple[tuple[str, Date], ...]
    rotation: str | None
    life: Life
    stages: tuple[StageName, ...]
    presented: str


class Fold(Struct, frozen=True, kw_only=True):
    """Collapsed rows; `share` is their number in per cent of the largest fold."""

    title: str
    rows: tuple[CertificateRow, ...]
    share: str


class Timeline(Struct, frozen=True, kw_only=True):
    """The visible rows and the collapsed ones."""

    urgent: tuple[CertificateRow, ...]
    more: tuple[CertificateRow, ...]
    calm: tuple[CertificateRow, ...]
    folds: tuple[Fold, ...]
    count: int


def timeline(outcome: Outcome, anchors: Mapping[int, str]) -> Timeline:
    """Return every certificate of an outcome; `anchors` are those of rotations, by position."""
    by_name = _rotations(outcome, anchors)
    several, apart = len(outcome.cases.documents) > 1, not outcome_place(outcome)
    cases = [(part, case) for part in outcome.cases.documents for case in part.cases]
    cases.sort(key=_urgency)
    scoping = Scoping(outcome.cases)
    rows = [
        _row(
            number,
            part,
            case,
            outcome,
            scoping.policy_of(part, (case,)),
            by_name,
            several=several,
            apart=apart,
        )
        for number, (part, case) in enumerate(cases)
    ]
    urgent = [
        row
        for row in rows
        if row.tone not in {"calm", "idle", "planned"} or row.rotation is not None
    ]
    known = {row.anchor for row in urgent}
    calm = [row for row in rows if row.anchor not in known]
    few = len(calm) <= _FEW
    return Timeline(
        urgent=tuple(urgent[:_OPEN]),
        more=tuple(urgent[_OPEN:]),
        calm=tuple(calm) if few else (),
        folds=() if few else tuple(_folds(calm)),
        count=len(rows),
    )


def outcome_place(outcome: Outcome) -> str:
    """Return the account and region of all certificates; empty if they differ or are unknown."""
    places = {case.subject.place for case in outcome.cases.all if case.id is not None}
    only = next(iter(places)) if len(places) == 1 else Place()
    return " ".join(filter(None, (only.account, only.region)))


def _urgency(entry: tuple[DocumentCases, Case]) -> tuple[bool, bool, int, str, str]:
    _, case = entry
    doubtful = case.presented and (
        case.evidence is Evidence.GONE or (case.expires_at is None and case.id is not None)
    )
    left = case.days_left if case.days_left is not None else 10**9
    return (not doubtful, case.id is None, left, str(case.address), case.id or "")


def _rotations(outcome: Outcome, anchors: Mapping[int, str]) -> dict[str, tuple[str, Rotation]]:
    """Return the unfinished rotations by the ids of their old certificates.

    The address is no key: another state's certificate may have the same one.
    """
    return {
        identity: (anchors[number], rotation)
        for number, rotation in enumerate(outcome.rotations)
        if not isinstance(rotation.step, Done)
        for identity in rotation.predecessor_ids
    }


def _row(
    number: int,
    part: DocumentCases,
    case: Case,
    outcome: Outcome,
    policy: Policy,
    rotations: Mapping[str, tuple[str, Rotation]],
    *,
    several: bool,
    apart: bool,
) -> CertificateRow:
    anchor, rotation = rotations.get(case.id or "", (None, None))
    due = deadlines_of_case(case, rotation, policy)
    stages = tuple(listed(_stages(case)))
    # The name of the row is that of its one stage.
    said = case.address is None and len(stages) == 1 and not stages[0].when
    end = case.expires_at
    return CertificateRow(
        anchor=f"c{number}",
        name=_name(case),
        about=tuple(_about(part, case, several=several, apart=apart)),
        evidence="will be created" if case.id is None else _EVIDENCE[case.evidence],
        tone=_tone(case, policy),
        days_left=case.days_left,
        days_past=(outcome.cases.as_of - end) // timedelta(days=1) if end is not None else 0,
        end=date_of(end) if end is not None else None,
        month=month_of(end) if end is not None else "End not known",
        due=tuple((kind, date_of(moment)) for kind, moment in due),
        rotation=anchor,
        life=life_of(case, due, policy, outcome.cases.as_of),
        stages=() if said else stages,
        presented=""
        if said
        else presenters_in_words(len(stages), searched(part, case, outcome.cases.observations)),
    )


def _name(case: Case) -> Name:
    """Return the name of a row: the address, else the first stage by its API, else the id."""
    if case.address is None and case.presented:
        stages = sorted({str(_named(stage)) for stage in case.subject.stages})
        more = f" and {len(stages) - 1} more" if len(stages) > 1 else ""
        return Name("", f"{stages[0]}{more}")
    return name_of(case.address, case.id or "a certificate")


def _about(part: DocumentCases, case: Case, *, several: bool, apart: bool) -> Iterator[str]:
    """Yield the words below the name; `several` is whether more than one source was read.

    `apart` is whether the certificates are in several places; else the page names the place once.
    """
    if case.id is not None and (case.address is not None or case.presented):
        yield case.id
    if apart:
        place = case.subject.place
        yield from (text for text in (place.account, place.region) if text is not None)
    if part.document.manages(case.certificate) is False:
        yield "in no state that was read"
    if case.certificate.deposed is not None:
        yield "deposed"
    if several and part.document.source.kind != "aws":
        yield part.document.source.path


def _tone(case: Case, policy: Policy) -> str:
    if case.id is None:
        return "planned"
    if not case.presented:
        return "idle"
    if case.evidence is Evidence.GONE or case.days_left is None:
        return "open"
    if case.days_left < 0:
        return "ended"
    if case.within(policy.threshold_days):
        return "threshold"
    return "notice" if case.within(policy.notice_days) else "calm"


def _stages(case: Case) -> Iterator[StageName]:
    now, then = (
        set(map(_named, case.subject.now)),
        set(map(_named, case.subject.to_be_presented_by)),
    )
    for name in sorted(now | then, key=str):
        when = (
            ""
            if name in now and name in then
            else "until the plan is applied"
            if name in now
            else "once the plan is applied"
        )
        yield StageName(name, when)


def _named(stage: Stage) -> Name:
    return name_of(stage.address, f"{stage.api_name or stage.api_id}/{stage.name}")


def _folds(rows: Iterable[CertificateRow]) -> Iterator[Fold]:
    months = [(title, tuple(group)) for title, group in groupby(rows, key=lambda row: row.month)]
    most = max(len(group) for _, group in months)
    for title, group in months:
        yield Fold(title=title, rows=group, share=f"{max(1, round(100 * len(group) / most))}%")
