"""Judge whether the declared backends of a rotation trust its successor and its predecessor."""

from __future__ import annotations

from checker.model.cases import Case
from checker.model.resources import Presents, Stage
from checker.model.rotation import ConditionStatus, Waiting
from checker.model.trust import TrustBackend, TrustEvidence, TrustStatus
from checker.rotation.state import Predecessor, RotationState, stage_addresses

# The worst status of several certificates counts.
_ORDER = (TrustStatus.REFUSED, TrustStatus.UNKNOWN, TrustStatus.CONFIRMED)


def trust_evidence(state: RotationState[Predecessor]) -> tuple[TrustEvidence, ...]:
    """Return the evidence of each declared backend, then that of stages without a backend.

    The stages are those that present the predecessor or the successor. Empty if the policy declares
    no backend.
    """
    backends = state.cases.policy.backends
    stages = (*state.presenters, *state.successor_presenters)
    if not backends or not stages:
        return ()
    found = [
        _of_backend(state, backend, tuple(each for each in stages if backend.serves(each.address)))
        for backend in backends
        if any(backend.serves(each.address) for each in stages)
    ]
    left = tuple(
        each for each in stages if not any(backend.serves(each.address) for backend in backends)
    )
    if left:
        found.append(
            TrustEvidence(
                backend=None,
                stages=stage_addresses(left),
                status=TrustStatus.UNKNOWN,
                reason="the policy declares no backend of it",
            )
        )
    return tuple(found)


def _of_backend(
    state: RotationState[Predecessor], backend: TrustBackend, stages: tuple[Stage, ...]
) -> TrustEvidence:
    as_of = state.cases.as_of
    pairs = [_pair(state, stage) for stage in stages]
    new = [
        backend.judge(case.fingerprint if case is not None else None, as_of) for _, case in pairs
    ]
    old = [
        backend.judge(case.fingerprint if case is not None else None, as_of) for case, _ in pairs
    ]
    status, reason = min(new, key=lambda each: _ORDER.index(each[0]))
    spare = {
        case.fingerprint
        for case, _ in pairs
        if case is not None and case.fingerprint is not None and backend.contains(case.fingerprint)
    }
    return TrustEvidence(
        backend=backend.name,
        stages=stage_addresses(stages),
        status=status,
        reason=reason,
        source=backend.bundle,
        server=backend.server,
        fingerprints=tuple(each.fingerprint for each in backend.certificates or ()),
        old=min((each for each, _ in old), key=_ORDER.index),
        may_drop=tuple(sorted(spare))
        if status is TrustStatus.CONFIRMED and not state.presenters
        else (),
    )


def _pair(state: RotationState[Predecessor], stage: Stage) -> tuple[Case | None, Case | None]:
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


def trust_status(evidence: tuple[TrustEvidence, ...]) -> tuple[ConditionStatus, str]:
    """Return whether every backend trusts the successor beside the predecessor, and the evidence.

    One that trusts the successor only does not trust both: then there is no way back.
    """
    if not evidence:
        return ConditionStatus.UNKNOWN, ""
    words = "; ".join(map(_in_words, evidence))
    statuses = {each.status for each in evidence} | {each.old for each in evidence}
    if TrustStatus.REFUSED in statuses:
        return ConditionStatus.NO, words
    if TrustStatus.UNKNOWN in statuses:
        return ConditionStatus.UNKNOWN, words
    return ConditionStatus.YES, words


def _in_words(evidence: TrustEvidence) -> str:
    other = {
        TrustStatus.CONFIRMED: "",
        TrustStatus.REFUSED: ", but it does not trust the old one",
        TrustStatus.UNKNOWN: ", but it is not confirmed that it trusts the old one",
    }[evidence.old]
    return evidence.in_words + (other if evidence.status is TrustStatus.CONFIRMED else "")


def old_status(evidence: tuple[TrustEvidence, ...]) -> tuple[ConditionStatus, str]:
    """Return whether every backend still trusts the predecessor, and which ones do not."""
    if not evidence:
        return ConditionStatus.UNKNOWN, ""
    worst = min((each.old for each in evidence), key=_ORDER.index)
    holds = {
        TrustStatus.CONFIRMED: ConditionStatus.YES,
        TrustStatus.REFUSED: ConditionStatus.NO,
        TrustStatus.UNKNOWN: ConditionStatus.UNKNOWN,
    }[worst]
    named = ", ".join(
        each.backend if each.backend is not None else ", ".join(each.stages)
        for each in evidence
        if each.old is worst
    )
    return holds, named


def refusing(state: RotationState[Predecessor]) -> Waiting | None:
    """Return the wait for a backend that does not trust the successor; None if none refuses it."""
    refused = [each for each in trust_evidence(state) if each.status is TrustStatus.REFUSED]
    if not refused:
        return None
    return Waiting(
        f"a backend does not trust the successor: {'; '.join(each.in_words for each in refused)}; "
        "add its PEM there (`tfcert bundle`), then run tfcert again"
    )
