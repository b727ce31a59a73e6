"""What the backends of a stage trust, from every source: declared bundles, probes, consumers."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.inventory import Document
from checker.model.resource_types import MATERIAL
from checker.model.resources import Stage
from checker.model.rotation import Delivery, TrustConsumer
from checker.model.trust import HeldBundle, TrustBackend, TrustStatus

# The server of what a load balancer reads; that of everything else is not known.
_SERVERS = {"aws_lb_trust_store": "alb"}


class ConsumerBundles(Struct, frozen=True, kw_only=True):
    """What the consumers of some certificates have now, by state, plan or AWS (`--trust`).

    `held` has an entry for each that was read and that no declared backend names. `others` are the
    names of those that were not read, and `absent` whether one of them is just not in state.
    """

    held: tuple[HeldBundle, ...] = ()
    others: tuple[str, ...] = ()
    absent: bool = False


def consumers_of(document: Document, blocks: Collection[Address]) -> tuple[TrustConsumer, ...]:
    """Return the places that use the PEM of one of these certificate blocks."""
    if document.declared is None:
        return ()
    found = map(document.declared.certificate, blocks)
    return tuple(each for one in found if one is not None for each in one.trust if each.has_pem)


def consumer_bundles(
    cases: Cases, document: Document, blocks: Collection[Address]
) -> ConsumerBundles:
    """Return what the consumers of these certificate blocks have now.

    What a block itself runs, when it is created or destroyed, shows nothing.
    """
    consumers = consumers_of(document, blocks)
    runs = _destroy_runs(document, blocks)
    own = runs or any(each.delivery is Delivery.CREATION for each in consumers)
    if not cases.held and not own:
        return ConsumerBundles()
    resources = {each.block for each in consumers}
    apart = _apart(document, blocks)
    held = [
        replace(each, certificates=None, reason=_APART) if each.consumer.block in apart else each
        for each in cases.held
        if each.document == document.source.path
    ]
    read = {each.consumer.block for each in held}
    # What a resource records does not show what its provisioner passed on.
    left = [
        each
        for each in consumers
        if each.block is None or each.block not in read or " provisioner " in f"{each.place} "
    ]
    return ConsumerBundles(
        held=tuple(
            each
            for each in held
            if each.consumer.block in resources
            and not any(backend.consumes(each.consumer) for backend in cases.policy.backends)
        ),
        others=tuple(dict.fromkeys((*(each.what for each in left), *runs))),
        absent=any(each.block is not None and each.block.type in MATERIAL for each in left),
    )


def _destroy_runs(document: Document, blocks: Collection[Address]) -> tuple[str, ...]:
    if document.declared is None:
        return ()
    found = map(document.declared.certificate, blocks)
    return tuple(run for one in found if one is not None for run in one.destroy_runs)


_APART = "each certificate has a place of its own; no test shows which of them the server reads"


def _apart(document: Document, blocks: Collection[Address]) -> frozenset[Address | None]:
    """Return the consumers of one certificate alone, if the successor has such a consumer.

    `blocks` are the certificate blocks of a rotation. The backend may read both places.
    """
    if document.declared is None:
        return frozenset()
    found = [one for block in blocks if (one := document.declared.certificate(block)) is not None]
    pairs = [(old, new) for old in found for new in found if new.succeeds == old.block]
    apart: set[Address | None] = set()
    for old, new in pairs:
        places = [{each.place for each in one.trust} for one in (old, new)]
        if places[1] - places[0]:
            alone = places[0] ^ places[1]
            apart.update(each.block for each in (*old.trust, *new.trust) if each.place in alone)
    return frozenset(apart)


def recorded_certificates(
    cases: Cases, document: Document, consumer: Address
) -> frozenset[str] | None:
    """Return the fingerprints that a consumer has; None if that is not known."""
    own = [
        each
        for each in cases.held
        if each.consumer == consumer and each.document == document.source.path
    ]
    if not own or any(each.certificates is None for each in own):
        return None
    return frozenset(one.fingerprint for each in own for one in each.certificates or ())


def as_backend(held: HeldBundle, stages: tuple[str, ...] = ()) -> TrustBackend:
    """Return a consumer as a backend of stages; only the server of a load balancer is known."""
    return TrustBackend(
        name=str(held.consumer),
        stages=stages,
        bundle=held.source,
        server=_SERVERS.get(held.consumer.type),
        certificates=held.certificates,
        unread=held.reason,
    )


def meant_for(held: HeldBundle, case: Case) -> bool:
    """Return whether a consumer gets the PEM of this instance, or has no key of an instance."""
    plain = held.consumer.key is None and all(step.key is None for step in held.consumer.modules)
    return plain or case.address is None or case.address.instance == held.consumer.instance


def held_for(cases: Cases, document: Document, case: Case) -> ConsumerBundles:
    """Return what the consumers of a certificate and of its predecessor have now."""
    if case.address is None or document.declared is None:
        return ConsumerBundles()
    block = case.address.block
    own = document.declared.certificate(block)
    before = own.succeeds if own is not None else None
    found = consumer_bundles(cases, document, [each for each in (block, before) if each])
    return ConsumerBundles(
        held=tuple(each for each in found.held if meant_for(each, case)),
        others=found.others,
        absent=found.absent,
    )


def trust_of(
    cases: Cases, document: DocumentCases, stages: Collection[Stage], case: Case | None
) -> TrustStatus:
    """Return whether every backend of a stage trusts a certificate.

    `stages` are the stage before and after a plan, or one of both. A refusal always counts. What
    one source does not confirm, such as the declared backends, another one may confirm.
    """
    if case is None or case.fingerprint is None:
        return TrustStatus.UNKNOWN
    declared = {
        backend.judge(case.fingerprint, cases.as_of)[0]
        for backend in cases.policy.backends
        if any(backend.serves(stage.address) for stage in stages)
    }
    probed = {
        {each.predecessor: each.old, each.successor: each.status}.get(case.fingerprint, each.status)
        for each in cases.probed
        # A backend that was not called is an unknown, whatever the certificates are.
        if (each.status is TrustStatus.UNKNOWN or case.fingerprint in each.fingerprints)
        and any(each.is_of(stage) for stage in stages)
    }
    consumers = held_for(cases, document.document, case)
    held = {as_backend(each).judge(case.fingerprint, cases.as_of)[0] for each in consumers.held}
    if consumers.others:
        held.add(TrustStatus.UNKNOWN)
    sources = (declared, probed, held)
    if any(TrustStatus.REFUSED in each for each in sources):
        return TrustStatus.REFUSED
    return TrustStatus.CONFIRMED if {TrustStatus.CONFIRMED} in sources else TrustStatus.UNKNOWN
