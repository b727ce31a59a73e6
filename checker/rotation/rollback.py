"""Rollback of a repoint: possible only while the predecessor still exists and has not ended."""

from __future__ import annotations

from checker.model.address import Address
from checker.model.cases import Case, Evidence
from checker.model.configuration import DeclaredCertificate
from checker.model.observation import Unanswered
from checker.model.rotation import Blocked, Next, Phase, Step, Waiting
from checker.rotation.state import RotationState

_ANEW = (
    "a certificate that is deleted or has ended cannot be made again: go on with its successor, or "
    "rotate to another one"
)


def rollback(standing: RotationState) -> Step:
    """Return whether every reference can go back to the predecessor, or why not."""
    successor = standing.successor
    if successor is None and _removed(standing):
        return _retired(standing)
    if successor is None or (standing.declaration is not None and not successor.pointers):
        return Waiting(
            "nothing refers to a successor of it: the repoint phase is not written, and there is "
            "nothing to roll back"
        )
    if standing.declaration is None:
        return _retired(standing)
    return (
        _dead(standing)
        or _hindered(standing, successor)
        or _unconfirmed(standing)
        or Next(Phase.ROLLBACK)
    )


def _removed(standing: RotationState) -> bool:
    """Return whether the block and its lineage comment are gone, as after retire.

    No stage may present the certificate, and the configuration must be complete enough to be sure.
    """
    known = standing.declared
    path = standing.block.module_path
    return (
        standing.declaration is None
        and bool(standing.own)
        and not standing.presenters
        and path in known.modules
        and not known.unread
        and standing.block not in known.renamed
    )


def _retired(standing: RotationState) -> Blocked:
    if standing.own:
        return Blocked(
            f"{standing.block} is no longer in the configuration, and the next apply deletes it",
            "before it is applied, take the retire patch back (`git apply -R 3-retire.patch`) or "
            "put the block back; ask again",
        )
    return Blocked(f"{standing.block} is retired", _ANEW)


def _dead(standing: RotationState) -> Blocked | None:
    there = {case.address.instance for case in standing.own if case.address is not None}
    for case in standing.successor_cases:
        if case.address is not None and case.address.instance not in there:
            gone = Address(
                standing.block.type, standing.block.name, case.address.key, case.address.modules
            )
            return Blocked(f"{gone} is not in state any more", _ANEW)
    return next((reason for case in standing.own if (reason := _ended(case)) is not None), None)


def _ended(case: Case) -> Blocked | None:
    if case.evidence is Evidence.GONE:
        return Blocked(f"AWS does not know {case.address} (id {case.id}) any more", _ANEW)
    if case.days_left is not None and case.days_left < 0:
        return Blocked(f"{case.address} ended on {case.expires_at:%Y-%m-%d}", _ANEW)
    return None


def _hindered(standing: RotationState, successor: DeclaredCertificate) -> Blocked | None:
    for obstacle in successor.obstacles:
        where = f" ({obstacle.location})" if obstacle.location is not None else ""
        return Blocked(f"{obstacle.reason}{where}", obstacle.remedy)
    for stage in standing.uncovered(successor, standing.successor_presenters):
        return Blocked(
            f"{stage.address} presents {successor.block}, and does not take its id from there",
            "move that stage back by hand, where its id comes from",
        )
    return None


def _unconfirmed(standing: RotationState) -> Waiting | None:
    for case in standing.own:
        if case.evidence is not Evidence.OBSERVED:
            reason = (
                case.observation.reason
                if isinstance(case.observation, Unanswered)
                else "it was not asked (--offline)"
            )
            return Waiting(
                f"AWS has not confirmed that {case.address} still lives: {reason}", unverified=True
            )
    return None
