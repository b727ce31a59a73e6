"""Find the predecessor and the successor of each stage of a rotation."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Case, Cases
from checker.model.resources import Presents, Stage
from checker.model.trust import StageCertificate, StagePair
from checker.rotation.state import Predecessor, RotationState


def certificate_pair(
    state: RotationState[Predecessor], stage: Stage
) -> tuple[Case | None, Case | None]:
    """Return the predecessor and the successor of a stage, among the instances of their blocks."""
    shown = (
        state.document.by_id(stage.presents.id) if isinstance(stage.presents, Presents) else None
    )
    address = shown.address if shown is not None else None
    if shown in state.successor_cases:
        return _instance(state.instances, shown), shown
    if address is None:
        # An id as text has one successor.
        only = state.successor_cases[0] if len(state.successor_cases) == 1 else None
        return shown, only
    return shown, _instance(state.successor_cases, shown)


def _instance(cases: tuple[Case, ...], other: Case | None) -> Case | None:
    wanted = other.address.instance if other is not None and other.address is not None else None
    return next(
        (each for each in cases if each.address is not None and each.address.instance == wanted),
        None,
    )


def stage_pairs(state: RotationState[Predecessor]) -> tuple[StagePair, ...]:
    """Return the stages that present the predecessor or the successor, with both certificates.

    Empty while the successor is not in state: then there is nothing to ask a backend about.
    """
    if not state.successor_cases:
        return ()
    return tuple(
        StagePair(stage=stage, predecessor=_certificate(old), successor=_certificate(new))
        for stage in (*state.presenters, *state.successor_presenters)
        for old, new in (certificate_pair(state, stage),)
    )


def planned_pairs(cases: Cases) -> Iterator[StagePair]:
    """Yield the stages that a plan moves from one recorded certificate to another.

    A plan is enough for that; the configuration need not be available.
    """
    for document in cases.documents:
        plan = document.document.plan
        for change in plan.stages if plan is not None else ():
            match change.before, change.presented:
                case Stage() as stage, (Presents(id=old), Presents(id=new)) if old != new:
                    yield StagePair(
                        stage=stage,
                        predecessor=_certificate(document.by_id(old)),
                        successor=_certificate(document.by_id(new)),
                    )
                case _:
                    pass


def _certificate(case: Case | None) -> StageCertificate | None:
    if case is None or case.id is None:
        return None
    return StageCertificate(
        id=case.id,
        address=case.address,
        fingerprint=case.fingerprint,
        ends=case.expires_at,
    )
