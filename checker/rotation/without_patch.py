"""Rotations that are due and that tfcert writes no patch for: what a person is told instead; and the dates of any."""

from __future__ import annotations

from checker.domain.cases import Case, Cases
from checker.domain.declared import Declared
from checker.domain.rotation import Blocked, Rotation, Waiting
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


def dated(cases: Cases, rotation: Rotation, own: tuple[Case, ...]) -> Rotation:
    """The rotation with its deadlines: those of the certificate among its own that ends first."""
    ends = [case.expires_at for case in own if case.expires_at is not None]
    if not ends:
        return rotation
    end = min(ends)
    policy = cases.policy
    return replace(rotation, end=end, introduce_by=policy.introduce_by(end), repoint_by=policy.repoint_by(end))


def addresses(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """The addresses of stages, each once and in order."""
    return tuple(sorted({str(stage.address) for stage in stages if stage.address is not None}))
