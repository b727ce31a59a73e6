"""Judge what the consumers of a predecessor's PEM have now: the predecessor, the successor or both.

The server that reads a consumer is not known, so two certificates of one subject are never enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.configuration import DeclaredCertificate
from checker.model.trust import HeldBundle, TrustBackend, TrustStatus

# The server of what a load balancer reads; that of everything else is not known.
_SERVERS = {"aws_lb_trust_store": "alb"}
_ORDER = (TrustStatus.REFUSED, TrustStatus.UNKNOWN, TrustStatus.CONFIRMED)
Pair = tuple[Case | None, Case | None]


class ConsumerTrust(Struct, frozen=True, kw_only=True):
    """Whether one consumer has the successor and the predecessor of a rotation, and why."""

    held: HeldBundle
    status: TrustStatus
    reason: str
    old: TrustStatus
    server: str | None = None


def consumer_trust(
    cases: Cases,
    document: DocumentCases,
    predecessor: DeclaredCertificate,
    successor: DeclaredCertificate | None,
    pairs: Collection[Pair],
) -> tuple[ConsumerTrust, ...]:
    """Return the verdict on each consumer of the predecessor's PEM, as far as it was read.

    `pairs` are the instances of the predecessor and the successor. A consumer with certificates of
    none of them is skipped if another text of it has one.
    """
    blocks = {each.block for each in predecessor.trust if each.block is not None}
    places = {each.place for each in predecessor.trust}
    apart = next(
        (each for each in (successor.trust if successor else ()) if each.place not in places), None
    )
    every = _held(cases, document, blocks)
    found: list[ConsumerTrust] = []
    for held in every:
        own = [pair for pair in pairs if _has_one(held, pair)]
        beside = [each for each in every if each.consumer.block == held.consumer.block]
        if not own and any(_has_one(each, pair) for each in beside for pair in pairs):
            continue
        others = [each for each in beside if each is not held]
        found.append(
            _verdict(
                cases, held, own or list(pairs), others, apart.what if apart is not None else None
            )
        )
    return tuple(found)


def succession_trust(
    cases: Cases, document: DocumentCases, old: Case, new: Case
) -> tuple[ConsumerTrust, ...]:
    """Return the verdict on each consumer of one certificate's PEM, for its successor."""
    declared = document.document.declared
    if not cases.held or declared is None or old.address is None or new.address is None:
        return ()
    predecessor = declared.certificate(old.address.block)
    if predecessor is None:
        return ()
    successor = declared.certificate(new.address.block)
    return consumer_trust(cases, document, predecessor, successor, [(old, new)])


def recorded_certificates(
    cases: Cases, document: DocumentCases, consumer: Address
) -> frozenset[str] | None:
    """Return the fingerprints that a consumer has; None if a part of it was not readable."""
    own = [each for each in _held(cases, document, {consumer.block}) if each.consumer == consumer]
    if not own or any(each.certificates is None for each in own):
        return None
    return frozenset(one.fingerprint for each in own for one in each.certificates or ())


def _held(
    cases: Cases, document: DocumentCases, blocks: Collection[Address]
) -> tuple[HeldBundle, ...]:
    """Return what consumers of a document have; an answer of AWS counts instead of a record."""
    path = document.document.source.path
    own = [each for each in cases.held if each.consumer.block in blocks and each.document == path]
    asked = {each.consumer for each in own if not each.recorded and each.certificates is not None}
    return tuple(each for each in own if not each.recorded or each.consumer not in asked)


def _has_one(held: HeldBundle, pair: Pair) -> bool:
    return any(case is not None and _has(held, case) for case in pair)


def _has(held: HeldBundle, case: Case | None) -> bool:
    return case is not None and any(
        each.fingerprint == case.fingerprint for each in held.certificates or ()
    )


def _verdict(
    cases: Cases,
    held: HeldBundle,
    pairs: list[Pair],
    others: list[HeldBundle],
    apart: str | None,
) -> ConsumerTrust:
    server = _SERVERS.get(held.consumer.type)
    backend = TrustBackend(
        name=str(held.consumer), stages=(), server=server, certificates=held.certificates
    )

    def judge(case: Case | None) -> tuple[TrustStatus, str]:
        if held.certificates is None:
            return TrustStatus.UNKNOWN, held.reason or "it was not readable"
        status, why = backend.judge(case.fingerprint if case is not None else None, cases.as_of)
        if status is not TrustStatus.REFUSED or _has(held, case):
            return status, why
        if any(_has(other, case) for other in others):
            return TrustStatus.UNKNOWN, "another text or instance of it has the certificate"
        if apart is not None:
            return TrustStatus.UNKNOWN, f"another place has the successor's PEM: {apart}"
        return status, "it does not have the certificate"

    status, reason = min((judge(new) for _, new in pairs), key=lambda each: _ORDER.index(each[0]))
    return ConsumerTrust(
        held=held,
        status=status,
        reason=reason,
        old=min((judge(old)[0] for old, _ in pairs), key=_ORDER.index),
        server=server,
    )


def unread(predecessor: DeclaredCertificate, found: Collection[ConsumerTrust]) -> Iterator[str]:
    """Yield the names of the consumers that nothing shows."""
    read = {each.held.consumer.block for each in found}
    yield from dict.fromkeys(each.what for each in predecessor.trust if each.block not in read)
