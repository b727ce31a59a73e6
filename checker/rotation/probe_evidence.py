"""The evidence of a probe for the stages of a rotation."""

from __future__ import annotations

from checker.model.resources import Stage
from checker.model.trust import ProbeEvidence, TrustEvidence, TrustStatus
from checker.rotation.stage_pairs import certificate_pair
from checker.rotation.state import Predecessor, RotationState, stage_addresses

PROBE = "probe"


def probe_evidence(
    state: RotationState[Predecessor], stages: tuple[Stage, ...]
) -> tuple[TrustEvidence, ...]:
    """Return the evidence of each probed backend, with the stages in front of it.

    Only a probe with both certificates of the stage counts.
    """
    found: dict[tuple[object, ...], tuple[ProbeEvidence, list[Stage]]] = {}
    for stage in stages:
        for each in _of_stage(state, stage):
            key = (each.backend, each.status, each.old, each.reason)
            found.setdefault(key, (each, []))[1].append(stage)
    return tuple(
        TrustEvidence(
            backend=each.backend,
            stages=stage_addresses(tuple(own)),
            status=each.status,
            reason=each.reason,
            source=PROBE,
            old=each.old,
        )
        for each, own in found.values()
    )


def _of_stage(state: RotationState[Predecessor], stage: Stage) -> tuple[ProbeEvidence, ...]:
    own = tuple(each for each in state.cases.probed if each.is_of(stage))
    if not own:
        return ()
    old, new = certificate_pair(state, stage)
    pair = tuple(case.fingerprint if case is not None else None for case in (old, new))
    return tuple(
        each
        for each in own
        if each.status is TrustStatus.UNKNOWN or (each.predecessor, each.successor) == pair
    )
