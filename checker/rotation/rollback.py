"""Rollback of a repoint: possible only while the predecessor still exists and has not ended."""

from __future__ import annotations

from checker.model.address import Address
from checker.model.cases import Case, Evidence
from checker.model.configuration import DeclaredCertificate
from checker.model.observation import Unanswered
from checker.model.rotation import Blocked, Next, Phase, Step, Waiting
from checker.rotation.hindrances import first_obstacle
from checker.rotation.state import ManagedState

_ANEW = (
    "a certificate that is deleted or has ended cannot be created again: keep its successor, or "
    "rotate to another one"
)


def rollback(state: ManagedState) -> Step:
    """Return whether every reference can go back to the predecessor, or why not."""
    successor = state.successor
    if successor is None and _is_removed(state):
        return _retired(state)
    if successor is None or (state.predecessor.declaration is not None and not successor.pointers):
        return Waiting(
            "nothing refers to a successor of it: the repoint phase is not written, and there is "
            "nothing to roll back"
        )
    if state.predecessor.declaration is None:
        return _retired(state)
    return (
        _predecessor_ended(state)
        or _blocked_reference(state, successor)
        or _unconfirmed(state)
        or Next(Phase.ROLLBACK)
    )


def _is_removed(state: ManagedState) -> bool:
    """Return whether the block and its lineage comment are gone, as after retire.

    No stage may present the certificate, and the configuration must be complete enough to be sure.
    """
    block = state.predecessor.block
    known = state.declared
    path = block.module_path
    return (
        state.predecessor.declaration is None
        and bool(state.instances)
        and not state.presenters
        and path in known.modules
        and not known.unread
        and block not in known.renamed
    )


def _retired(state: ManagedState) -> Blocked:
    block = state.predecessor.block
    if state.instances:
        return Blocked(
            f"{block} is no longer in the configuration, and the next apply deletes it",
            "before it is applied, take the retire patch back (`git apply -R 3-retire.patch`) or "
            "put the block back; ask again",
        )
    return Blocked(f"{block} is retired", _ANEW)


def _predecessor_ended(state: ManagedState) -> Blocked | None:
    block = state.predecessor.block
    existing = {case.address.instance for case in state.instances if case.address is not None}
    for case in state.successor_cases:
        if case.address is not None and case.address.instance not in existing:
            missing = Address(
                block.type,
                block.name,
                case.address.key,
                case.address.modules,
            )
            return Blocked(f"{missing} is not in state any more", _ANEW)
    return next((reason for case in state.instances if (reason := _ended(case)) is not None), None)


def _ended(case: Case) -> Blocked | None:
    if case.evidence is Evidence.GONE:
        return Blocked(f"AWS does not know {case.address} (id {case.id}) any more", _ANEW)
    if case.days_left is not None and case.days_left < 0:
        return Blocked(f"{case.address} ended on {case.expires_at:%Y-%m-%d}", _ANEW)
    return None


def _blocked_reference(state: ManagedState, successor: DeclaredCertificate) -> Blocked | None:
    blocked = first_obstacle(successor.obstacles)
    if blocked is not None:
        return blocked
    for stage in state.uncovered(successor, state.successor_presenters):
        return Blocked(
            f"{stage.address} presents {successor.block}, and does not take its id from there",
            "move that stage back manually, at the source of its id",
        )
    return None


def _unconfirmed(state: ManagedState) -> Waiting | None:
    for case in state.instances:
        if case.evidence is not Evidence.OBSERVED:
            reason = (
                case.observation.reason
                if isinstance(case.observation, Unanswered)
                else "it was not asked (--offline)"
            )
            return Waiting(
                f"AWS has not confirmed that {case.address} still exists: {reason}", unverified=True
            )
    return None
