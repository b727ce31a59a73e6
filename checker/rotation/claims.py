"""The certificates that claim to succeed another one: which one counts, and which end too soon."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.rotation import Caution, Phase

# Certificates that are not used as successors, each with the reason.
PassedOver = tuple[tuple[DeclaredCertificate, str], ...]


class Claim(Struct, frozen=True, kw_only=True):
    """The successor of a block that a comment names, and the other claimants.

    `contested` are the claimants between which nothing decides.
    """

    predecessor: Address
    successor: DeclaredCertificate | None
    unfit: str | None = None
    passed_over: PassedOver = ()
    contested: tuple[DeclaredCertificate, ...] = ()


def claim(
    cases: Cases, document: DocumentCases, declared: ConfigurationFacts, block: Address
) -> Claim:
    """Return the successor of a block by its lineage comments.

    A claimant is passed over if it has ended, is near its end, or ends no later than the
    predecessor. If the configuration still points to the predecessor, another successor is then
    introduced. If several claimants are fit, the one that stages present counts; else they are
    contested.
    """
    claimants = declared.successors(block)
    own = declared.certificate(block)
    recorded = document.of_block(block)
    others = [each for each in claimants if each.block != block and each.block.type == block.type]
    reasons = {
        **{each.block: None for each in claimants},
        **{each.block: unfit(cases, document, recorded, each) for each in others},
    }
    if not claimants:
        return Claim(predecessor=block, successor=None)
    presented = [
        each
        for each in claimants
        if any(case.subject.presented_by for case in document.of_block(each.block))
    ]
    fitting = [each for each in claimants if reasons[each.block] is None]
    passed = tuple(
        (each, reason) for each in claimants if (reason := reasons[each.block]) is not None
    )
    if len(claimants) > 1 and len(fitting) > 1:
        if len(presented) != 1:
            return Claim(predecessor=block, successor=fitting[0], contested=tuple(fitting))
        return Claim(predecessor=block, successor=presented[0], unfit=reasons[presented[0].block])
    if len(claimants) > 1 and len(fitting) == 1:
        return Claim(predecessor=block, successor=fitting[0], passed_over=passed)
    only = fitting[0] if fitting else (presented or list(claimants))[0]
    is_used = own is not None and bool(own.pointers)
    if reasons[only.block] is not None and is_used:
        return Claim(predecessor=block, successor=None, passed_over=passed)
    return Claim(predecessor=block, successor=only, unfit=reasons[only.block])


def unfit(
    cases: Cases, document: DocumentCases, own: tuple[Case, ...], each: DeclaredCertificate
) -> str | None:
    """Return why no stage should move from the instances `own` to a certificate in state.

    None if the certificate lasts, or is not created yet.
    """
    for case in document.of_block(each.block):
        reason = _ends_too_soon(cases, case, own)
        if reason is not None:
            return f"{each.block} ({each.location}) {reason}"
    return None


def passed_cautions(passed: PassedOver) -> Iterator[Caution]:
    """Yield a caution of introduce for each certificate that is passed over."""
    for each, reason in passed:
        yield Caution(
            phase=Phase.INTRODUCE,
            text=f"{reason}, so it is not used: a fresh successor takes its place, and "
            f"{each.block.in_module} is retired later",
        )


def _ends_too_soon(cases: Cases, case: Case, own: tuple[Case, ...]) -> str | None:
    if case.expires_at is None or case.days_left is None:
        return None
    ends = f"{case.expires_at:%Y-%m-%d}"
    if case.days_left < 0:
        return f"ended on {ends}"
    comparable = [other for other in own if other.address is not None and case.address is not None]
    for other in comparable:
        same_instance = (
            other.address is not None
            and case.address is not None
            and other.address.instance == case.address.instance
        )
        if same_instance and other.expires_at is not None and case.expires_at <= other.expires_at:
            return (
                f"ends on {ends}, no later than the certificate that it is to replace "
                f"({other.expires_at:%Y-%m-%d})"
            )
    if case.within(cases.policy.threshold_days) and not case.subject.presented_by:
        return f"ends on {ends}, within the threshold of {cases.policy.threshold_days} days"
    return None
