"""Rotations that are due and that tfcert writes no patch for: what a person is told instead; and the dates of any."""

from __future__ import annotations

from datetime import datetime

from checker.domain.case_values import Case, Cases
from checker.domain.deadlines import Late
from checker.domain.declared import Declared
from checker.domain.rotation import Blocked, Done, Rotation, Waiting
from checker.domain.stage import Stage
from checker.domain.value import replace


def not_in_this_state(cases: Cases, declared: Declared, case: Case) -> Rotation:
    """That of a certificate which another state or a person made: where the stages take its id from, and what to do there."""
    stages = ", ".join(addresses(case.subject.presented_by))
    found = [declared.stage(stage.address.block) for stage in case.subject.presented_by if stage.address is not None]
    takes = ", ".join(dict.fromkeys(f"it comes from {each.takes} ({each.location})" for each in found if each and each.takes))
    remedies = "; ".join(dict.fromkeys(each.remedy for each in found if each and each.remedy))
    blocked = Blocked(
        f"certificate {case.id}, presented by {stages}, is not in this state: {takes or 'another state or a person made it'}",
        remedies or "rotate it where it is made; here, only the reference of the stage changes, after that",
    )
    return told_only(cases, case, blocked)


def told_only(cases: Cases, case: Case, why: Blocked | Waiting) -> Rotation:
    """That of one certificate, with the reason why it goes no further."""
    rotation = Rotation(
        predecessor=case.address.block if case.address is not None else None,
        predecessor_ids=(case.id,) if case.id is not None else (),
        successor=None,
        step=why,
        stages=addresses(case.subject.presented_by),
    )
    return dated(cases, rotation, (case,))


def dated(cases: Cases, rotation: Rotation, own: tuple[Case, ...], successors: tuple[Case, ...] = ()) -> Rotation:
    """The rotation with its deadlines: those of the certificate among its own that ends first, and whether it is late."""
    ends = [case.expires_at for case in own if case.expires_at is not None]
    if not ends:
        return rotation
    end = min(ends)
    policy = cases.policy
    dates = replace(rotation, end=end, introduce_by=policy.introduce_by(end), repoint_by=policy.repoint_by(end))
    return replace(dates, late=_late(cases, dates, end, successors))


def _late(cases: Cases, rotation: Rotation, end: datetime, successors: tuple[Case, ...]) -> Late | None:
    """Whether a rotation that still has stages to move has no time left for the trust window."""
    if not rotation.stages or rotation.successor is None or isinstance(rotation.step, Blocked | Done):
        return None
    made = [case.made_at for case in successors]
    dates = [instant for instant in made if instant is not None]
    began = max(dates) if dates and len(dates) == len(made) else None if made else cases.as_of
    window_ends = cases.policy.window_end(began) if began is not None else None
    in_time = end > cases.as_of and window_ends is not None and window_ends <= end
    return None if in_time else Late(ends=end, window_ends=window_ends, introduced=bool(successors))


def addresses(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """The addresses of stages, each once and in order."""
    return tuple(sorted({str(stage.address) for stage in stages if stage.address is not None}))
