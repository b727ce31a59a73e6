"""A certificate's life as a line on the scale: how long it lasts, from where on it nears its end, and the dates on the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from checker.domain.case_values import Case, Evidence
from checker.domain.observation import Found
from checker.domain.policy import Policy
from checker.domain.rotation import Rotation
from checker.reports.page.horizon import place, written

_A_LIFE = timedelta(days=365)
_DAY = timedelta(days=1)


class Stretch(NamedTuple):
    """A part of the line: `life`, `notice` or `threshold`, `planned` for a life that is yet to begin, `unknown` without an end."""

    kind: str
    at: str
    width: str


class LifeMark(NamedTuple):
    """A sign on the line: `introduce`, `repoint`, `end` as AWS gives it, or `recorded`, an end that AWS has not confirmed."""

    kind: str
    at: str


class Life(NamedTuple):
    """What the line shows."""

    stretches: tuple[Stretch, ...]
    marks: tuple[LifeMark, ...]


def deadlines(case: Case, rotation: Rotation | None, policy: Policy) -> tuple[tuple[str, datetime], ...]:
    """What must be done by when, as a rotation says it, else as the policy makes it out of the end; none where ACM renews."""
    if case.expires_at is None or not case.presented or case.certificate.kind == "acm":
        return ()
    introduced = rotation is not None and rotation.introduced
    introduce_by = (rotation.introduce_by if rotation is not None else None) or policy.introduce_by(case.expires_at)
    repoint_by = (rotation.repoint_by if rotation is not None else None) or policy.repoint_by(case.expires_at)
    return (*(() if introduced else (("introduce", introduce_by),)), ("repoint", repoint_by))


def life_of(case: Case, due: tuple[tuple[str, datetime], ...], policy: Policy, as_of: datetime) -> Life:
    """The line of one certificate; where its beginning is not known, a certificate of API Gateway began 365 days before its end."""
    end = case.expires_at
    if end is None:
        kind = "planned" if case.id is None else "unknown"
        return Life(stretches=(_stretch(kind, as_of, as_of + _A_LIFE, as_of),), marks=())
    start = _start(case, end)
    threshold, notice = end - timedelta(days=policy.threshold_days), end - timedelta(days=policy.notice_days)
    spans = (
        ("life", start, min(end, notice)),
        ("notice", max(start, notice), min(end, threshold)),
        ("threshold", max(start, threshold), end),
    )
    stretches = tuple(_stretch(kind, first, last, as_of) for kind, first, last in spans if first < last)
    last = "end" if case.evidence is Evidence.OBSERVED else "recorded"
    marks = (*due, (last, end))
    return Life(stretches=stretches, marks=tuple(LifeMark(kind, written(_share(moment, as_of))) for kind, moment in marks))


def _start(case: Case, end: datetime) -> datetime:
    created = case.observation.created_at if isinstance(case.observation, Found) else None
    return min(created or case.certificate.created_at or end - _A_LIFE, end)


def _stretch(kind: str, first: datetime, last: datetime, as_of: datetime) -> Stretch:
    start, end = _share(first, as_of), _share(last, as_of)
    return Stretch(kind, written(start), written(max(end - start, 0.1)))


def _share(moment: datetime, as_of: datetime) -> float:
    return place((moment - as_of) / _DAY)
