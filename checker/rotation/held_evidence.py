"""Make evidence of what consumers of the PEM have now; choose those that `--trust` asks about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from checker.analysis.backend_trust import (
    as_backend,
    consumer_bundles,
    consumers_of,
    meant_for,
)
from checker.model.cases import Case, Cases
from checker.model.inventory import Document
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.resources import Stage
from checker.model.rotation import Rotation
from checker.model.trust import HeldBundle, TrustBackend, TrustEvidence, TrustMaterial, TrustStatus
from checker.rotation.state import ManagedBlock, Predecessor, RotationState, stage_addresses

_ORDER = (TrustStatus.REFUSED, TrustStatus.UNKNOWN, TrustStatus.CONFIRMED)


def followed(
    cases: Cases, rotations: Iterable[Rotation]
) -> Iterator[tuple[Document, TrustMaterial]]:
    """Yield the recorded consumers of the rotations' PEMs, and those that backends name.

    One without an account and a region of its own is where all stages of its document are.
    """
    certificates = {
        block
        for rotation in rotations
        for block in (rotation.predecessor, rotation.successor)
        if block is not None
    }
    for each in cases.documents:
        found = each.document
        wanted = {consumer.block for consumer in consumers_of(found, certificates)}
        places = {stage.place for stage in found.stages}
        home = next(iter(places)) if len(places) == 1 else Place()
        for material in found.material:
            if material.address.block in wanted or any(
                backend.consumes(material.address) for backend in cases.policy.backends
            ):
                yield found, replace(material, place=material.place.or_else(home))


def with_held(policy: Policy, held: tuple[HeldBundle, ...]) -> Policy:
    """Return the policy with the bundles of the backends that name a consumer."""
    return replace(policy, backends=tuple(_with(each, held) for each in policy.backends))


def _with(backend: TrustBackend, held: tuple[HeldBundle, ...]) -> TrustBackend:
    if backend.consumer is None or backend.certificates is not None:
        return backend
    own = [each for each in held if backend.consumes(each.consumer)]
    if len(own) != 1:
        return replace(
            backend,
            unread=f"{len(own)} resources in state are its consumer {backend.consumer}"
            if own
            else f"its consumer {backend.consumer} is not in state, or AWS cannot show it",
        )
    (found,) = own
    return replace(
        backend, bundle=found.source, certificates=found.certificates, unread=found.reason
    )


def held_evidence(
    state: RotationState[Predecessor], stages: tuple[Stage, ...]
) -> tuple[TrustEvidence, ...]:
    """Return the evidence of each consumer that no declared backend names, if one was read.

    Consumers that nothing shows are one entry, which is not confirmed.
    """
    if not isinstance(state.predecessor, ManagedBlock) or not state.successor_cases:
        return ()
    blocks = [state.predecessor.block]
    if state.successor is not None:
        blocks.append(state.successor.block)
    found = consumer_bundles(state.cases, state.document.document, blocks)
    addresses = stage_addresses(stages)
    evidence = [_of(state, each, addresses) for each in found.held]
    if found.others:
        absent = "it is not in state, or " if found.absent else ""
        evidence.append(
            TrustEvidence(
                backend=None,
                stages=addresses,
                status=TrustStatus.UNKNOWN,
                reason=f"nothing shows what {', '.join(found.others)} has now: {absent}tfcert has "
                "no read call for it",
            )
        )
    return tuple(evidence)


def _of(
    state: RotationState[Predecessor], held: HeldBundle, stages: tuple[str, ...]
) -> TrustEvidence:
    backend = as_backend(held, stages)

    def judged(cases: tuple[Case, ...]) -> tuple[TrustStatus, str]:
        found = [
            backend.judge(case.fingerprint, state.cases.as_of)
            for case in cases
            if meant_for(held, case)
        ]
        nothing = TrustStatus.UNKNOWN, "the certificate is not in state"
        return min(found or [nothing], key=lambda each: _ORDER.index(each[0]))

    def held_of(cases: tuple[Case, ...]) -> set[str]:
        known = {case.fingerprint for case in cases if meant_for(held, case)}
        return {each for each in known if each is not None and backend.contains(each)}

    status, reason = judged(state.successor_cases)
    spare = held_of(state.instances) if held_of(state.successor_cases) else set()
    return TrustEvidence(
        backend=backend.name,
        stages=stages,
        status=status,
        reason=reason,
        source=held.source,
        server=backend.server,
        fingerprints=tuple(each.fingerprint for each in held.certificates or ()),
        old=judged(state.instances)[0],
        may_drop=tuple(sorted(spare)) if not state.presenters else (),
    )
