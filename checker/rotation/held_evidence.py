"""What consumers of the PEM have now (`--trust`), as evidence; which of them AWS is asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from checker.model.address import Address
from checker.model.cases import Case, Cases
from checker.model.inventory import Document
from checker.model.policy import Policy
from checker.model.resource_types import MATERIAL
from checker.model.resources import Stage
from checker.model.rotation import Rotation
from checker.model.trust import HeldBundle, TrustBackend, TrustEvidence, TrustMaterial, TrustStatus
from checker.rotation.state import ManagedBlock, Predecessor, RotationState, stage_addresses

_ORDER = (TrustStatus.REFUSED, TrustStatus.UNKNOWN, TrustStatus.CONFIRMED)
# The server of what a load balancer reads; that of everything else is not known.
_SERVERS = {"aws_lb_trust_store": "alb"}


def followed(
    cases: Cases, rotations: Iterable[Rotation]
) -> Iterator[tuple[Document, TrustMaterial]]:
    """Yield the recorded consumers of the rotations' PEMs, and those that backends name."""
    blocks = {
        block
        for rotation in rotations
        for block in (rotation.predecessor, rotation.successor)
        if block is not None
    }
    for each in cases.documents:
        found = each.document
        wanted = _consumers(found, blocks)
        for material in found.material:
            if material.address.block in wanted or any(
                backend.consumes(material.address) for backend in cases.policy.backends
            ):
                yield found, material


def _consumers(document: Document, certificates: Iterable[Address]) -> set[Address | None]:
    if document.declared is None:
        return set()
    own = frozenset(certificates)
    return {
        consumer.block
        for certificate in document.declared.certificates
        if certificate.block in own
        for consumer in certificate.trust
        if consumer.block is not None
    }


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
    """Return the evidence of each consumer that no declared backend names, if AWS was asked.

    Consumers that AWS cannot show are one entry, which is not confirmed.
    """
    predecessor = state.predecessor
    if not state.cases.held or not isinstance(predecessor, ManagedBlock):
        return ()
    declared = [each for each in (predecessor.declaration, state.successor) if each is not None]
    consumers = [consumer for each in declared for consumer in each.trust]
    blocks = {each.block for each in consumers if each.block is not None}
    path = state.document.document.source.path
    held = [
        each
        for each in state.cases.held
        if each.consumer.block in blocks
        and each.document == path
        and not any(backend.consumes(each.consumer) for backend in state.cases.policy.backends)
    ]
    read = {each.consumer.block for each in state.cases.held if each.document == path}
    others = {each.what: None for each in consumers if each.block is None or each.block not in read}
    addresses = stage_addresses(stages)
    found = [_of(state, each, addresses) for each in held]
    if others:
        shown = any(
            each.block is not None and each.block.type in MATERIAL and each.block not in read
            for each in consumers
        )
        found.append(
            TrustEvidence(
                backend=None,
                stages=addresses,
                status=TrustStatus.UNKNOWN,
                reason=f"AWS was not asked about {', '.join(others)}: "
                + ("not in state, or " if shown else "")
                + "tfcert has no read call for it",
            )
        )
    return tuple(found)


def _of(
    state: RotationState[Predecessor], held: HeldBundle, stages: tuple[str, ...]
) -> TrustEvidence:
    backend = TrustBackend(
        name=str(held.consumer),
        stages=stages,
        bundle=held.source,
        server=_SERVERS.get(held.consumer.type),
        certificates=held.certificates,
        unread=held.reason,
    )
    new = [_judge(state, backend, case) for case in _own(state.successor_cases, held)]
    old = [_judge(state, backend, case) for case in _own(_predecessors(state), held)]
    nothing = TrustStatus.UNKNOWN, "the successor is not in state"
    status, reason = min(new or [nothing], key=lambda each: _ORDER.index(each[0]))
    return TrustEvidence(
        backend=backend.name,
        stages=stages,
        status=status,
        reason=reason,
        source=held.source,
        server=backend.server,
        fingerprints=tuple(each.fingerprint for each in held.certificates or ()),
        old=min((each for each, _ in old or [nothing]), key=_ORDER.index),
    )


def _judge(
    state: RotationState[Predecessor], backend: TrustBackend, case: Case
) -> tuple[TrustStatus, str]:
    return backend.judge(case.fingerprint, state.cases.as_of)


def _predecessors(state: RotationState[Predecessor]) -> tuple[Case, ...]:
    return state.instances


def _own(cases: tuple[Case, ...], held: HeldBundle) -> tuple[Case, ...]:
    """Return the instance of a certificate that belongs to a consumer; all, if none has its key."""
    same = tuple(
        case
        for case in cases
        if case.address is not None and case.address.instance == held.consumer.instance
    )
    return same or cases
