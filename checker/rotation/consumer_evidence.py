"""What the consumers of the predecessor's PEM have now, as evidence for a rotation's stages."""

from __future__ import annotations

from checker.analysis.consumer_trust import ConsumerTrust, consumer_trust, unread
from checker.model.resources import Stage
from checker.model.trust import TrustEvidence, TrustStatus
from checker.rotation.stage_pairs import certificate_pair
from checker.rotation.state import ManagedBlock, Predecessor, RotationState, stage_addresses


def consumer_evidence(
    state: RotationState[Predecessor], stages: tuple[Stage, ...]
) -> tuple[TrustEvidence, ...]:
    """Return the evidence of each consumer, for all stages of the rotation.

    Empty while the successor is not in state, and if nothing shows what any consumer has. The
    consumers that nothing shows are one entry, which is not confirmed.
    """
    predecessor = state.predecessor
    if (
        not state.cases.held
        or not state.successor_cases
        or not stages
        or not isinstance(predecessor, ManagedBlock)
        or predecessor.declaration is None
    ):
        return ()
    pairs = tuple(dict.fromkeys(certificate_pair(state, stage) for stage in stages))
    found = consumer_trust(
        state.cases, state.document, predecessor.declaration, state.successor, pairs
    )
    if not found:
        return ()
    addresses = stage_addresses(stages)
    left = ", ".join(unread(predecessor.declaration, found))
    rest = (
        TrustEvidence(
            backend=None,
            stages=addresses,
            status=TrustStatus.UNKNOWN,
            reason=f"nothing shows the PEM that these have now: {left}",
        ),
    )
    return (*(_evidence(each, addresses) for each in found), *(rest if left else ()))


def _evidence(found: ConsumerTrust, stages: tuple[str, ...]) -> TrustEvidence:
    held = found.held
    return TrustEvidence(
        backend=None,
        consumer=str(held.consumer),
        stages=stages,
        status=found.status,
        reason=found.reason,
        source=held.source,
        server=found.server,
        fingerprints=tuple(each.fingerprint for each in held.certificates or ()),
        old=found.old,
    )
