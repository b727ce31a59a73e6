"""Judge whether the declared backends of a rotation trust its successor and its predecessor."""

from __future__ import annotations

from msgspec.structs import replace

from checker.model.resources import Stage
from checker.model.rotation import ConditionStatus, Waiting
from checker.model.trust import TrustBackend, TrustEvidence, TrustStatus
from checker.rotation.held_evidence import held_evidence
from checker.rotation.probe_evidence import probe_evidence
from checker.rotation.stage_pairs import certificate_pair
from checker.rotation.state import Predecessor, RotationState, stage_addresses

# The worst status of several certificates counts.
_ORDER = (TrustStatus.REFUSED, TrustStatus.UNKNOWN, TrustStatus.CONFIRMED)


def trust_evidence(state: RotationState[Predecessor]) -> tuple[TrustEvidence, ...]:
    """Return the evidence of each declared backend, each probed one, each consumer, other stages.

    The stages are those that present the predecessor or the successor. Empty if the policy declares
    no backend, no backend was probed, and no consumer was read.
    """
    backends = state.cases.policy.backends
    stages = (*state.presenters, *state.successor_presenters)
    held = held_evidence(state, stages) if stages else ()
    if not stages or not (backends or state.cases.probed or held):
        return ()
    found = [
        _of_backend(state, backend, tuple(each for each in stages if backend.serves(each.address)))
        for backend in backends
        if any(backend.serves(each.address) for each in stages)
    ]
    probed = probe_evidence(state, stages)
    asked = {address for each in (*probed, *held) for address in each.stages}
    left = tuple(
        each
        for each in stages
        if not any(backend.serves(each.address) for backend in backends)
        and str(each.address) not in asked
    )
    if left:
        found.append(
            TrustEvidence(
                backend=None,
                stages=stage_addresses(left),
                status=TrustStatus.UNKNOWN,
                reason="the policy declares no backend of it"
                if backends
                else "no backend of it was probed",
            )
        )
    return joined_sources(tuple(found), probed, held) if probed or held else tuple(found)


def joined_sources(*sources: tuple[TrustEvidence, ...]) -> tuple[TrustEvidence, ...]:
    """Return the evidence of several sources, without what another source settles.

    A refusal always stays. Evidence that is not confirmed is dropped if another source confirms
    each of its stages, and nothing refuses them. So is a doubt about the predecessor.
    """
    return tuple(
        settled
        for source in sources
        for each in source
        if (settled := _settled(each, [other for other in sources if other is not source]))
        is not None
    )


def _settled(each: TrustEvidence, others: list[tuple[TrustEvidence, ...]]) -> TrustEvidence | None:
    confirmed = each.status is TrustStatus.CONFIRMED
    if not each.stages or TrustStatus.REFUSED in {each.status, each.old}:
        return each
    if not confirmed and any(_confirms(source, each.stages) for source in others):
        return None
    if confirmed and any(
        _confirms(source, each.stages, old=True) for source in others if each.old != each.status
    ):
        return replace(each, old=TrustStatus.CONFIRMED)
    return each


def _confirms(
    source: tuple[TrustEvidence, ...], stages: tuple[str, ...], *, old: bool = False
) -> bool:
    """Return whether a source says of each stage that all of its backends trust a certificate."""
    for stage in stages:
        own = [each.old if old else each.status for each in source if stage in each.stages]
        if not own or set(own) != {TrustStatus.CONFIRMED}:
            return False
    return True


def _of_backend(
    state: RotationState[Predecessor], backend: TrustBackend, stages: tuple[Stage, ...]
) -> TrustEvidence:
    as_of = state.cases.as_of
    pairs = [certificate_pair(state, stage) for stage in stages]
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


def window_waived(state: RotationState[Predecessor]) -> bool:
    """Return whether the trust window does not count, by the policy and the evidence."""
    return state.cases.policy.waives_window(each.status for each in trust_evidence(state))


def refusing(state: RotationState[Predecessor]) -> Waiting | None:
    """Return the wait for a backend that does not trust the successor; None if none refuses it."""
    refused = [each for each in trust_evidence(state) if each.status is TrustStatus.REFUSED]
    if not refused:
        return None
    return Waiting(
        f"a backend does not trust the successor: {'; '.join(each.in_words for each in refused)}; "
        "add its PEM there (`tfcert bundle`), then run tfcert again"
    )
