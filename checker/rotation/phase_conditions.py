"""The conditions of each phase of a rotation, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.address import Address
from checker.model.cases import Case, Evidence
from checker.model.observation import Surveyed, Unanswered
from checker.model.policy import WindowWaiver
from checker.model.rotation import Condition, ConditionStatus, Phase
from checker.rotation.state import (
    LiteralId,
    ManagedBlock,
    ManagedState,
    Predecessor,
    RotationState,
    age,
    window_end,
)
from checker.rotation.trust_evidence import old_status, trust_evidence, trust_status, window_waived


def conditions(state: ManagedState, successor: Address) -> tuple[Condition, ...]:
    """Return the conditions of repoint, retire and rollback; introduce has no conditions."""
    return (*repoint_conditions(state, successor), *_retire(state), *_rollback(state))


def repoint_conditions(
    state: RotationState[Predecessor], successor: Address
) -> Iterator[Condition]:
    """Yield the conditions of repoint."""
    instances = state.successor_cases
    complete = bool(instances) and not tuple(state.missing_instances())
    yield Condition(
        phase=Phase.REPOINT,
        text=f"{successor} is applied and in state",
        holds=ConditionStatus.YES if complete else ConditionStatus.NO,
    )
    yield Condition(
        phase=Phase.REPOINT, text=f"AWS knows {successor}", holds=_known_to_aws(instances)
    )
    if instances:
        yield Condition(
            phase=Phase.REPOINT,
            text=f"{successor} ends later than {state.predecessor.name}, and not soon",
            holds=_ends_later(state, instances),
        )
    yield Condition(
        phase=Phase.REPOINT,
        text=_window(state, successor),
        holds=_old_enough(state, instances),
        until=None if window_waived(state) else window_end(state),
        why=age(state),
    )
    trusted, evidence = trust_status(trust_evidence(state))
    yield Condition(
        phase=Phase.REPOINT,
        text=f"every backend trusts {successor}, beside the old one",
        holds=trusted,
        evidence=evidence,
    )


def _known_to_aws(instances: tuple[Case, ...]) -> ConditionStatus:
    if not instances or any(case.evidence is Evidence.GONE for case in instances):
        return ConditionStatus.NO
    return (
        ConditionStatus.YES
        if all(case.evidence is Evidence.OBSERVED for case in instances)
        else ConditionStatus.UNKNOWN
    )


def _ends_later(state: RotationState[Predecessor], instances: tuple[Case, ...]) -> ConditionStatus:
    if state.unfit is not None:
        return ConditionStatus.NO
    ends = [case.expires_at for case in instances if case.expires_at is not None]
    if len(ends) < len(instances):
        return ConditionStatus.UNKNOWN
    match state.predecessor:
        case ManagedBlock():
            # `unfit` compares the instances.
            return ConditionStatus.YES
        case LiteralId(id=identity):
            old = state.document.by_id(identity)
            if old is None or old.expires_at is None:
                return ConditionStatus.UNKNOWN
            return ConditionStatus.YES if min(ends) > old.expires_at else ConditionStatus.NO


def _window(state: RotationState[Predecessor], successor: Address) -> str:
    policy = state.cases.policy
    text = f"{successor} is at least {policy.trust_window_days} days old (the trust window)"
    match policy.trust_window_waiver:
        case WindowWaiver.NEVER:
            return text
        case WindowWaiver.CONFIRMED:
            return f"{text}, or every backend is confirmed to trust it"


def _old_enough(state: RotationState[Predecessor], instances: tuple[Case, ...]) -> ConditionStatus:
    if not instances:
        return ConditionStatus.NO
    if window_waived(state):
        return ConditionStatus.YES
    ready = window_end(state)
    if ready is None:
        return ConditionStatus.UNKNOWN
    return ConditionStatus.YES if ready <= state.cases.as_of else ConditionStatus.NO


def _retire(state: ManagedState) -> Iterator[Condition]:
    block = state.predecessor.block
    yield Condition(
        phase=Phase.RETIRE,
        text=f"no stage in state presents {block}",
        holds=ConditionStatus.NO if state.presenters else ConditionStatus.YES,
    )
    match state.survey():
        case Surveyed() as survey:
            holds = ConditionStatus.NO if state.still_presenting(survey) else ConditionStatus.YES
        case Unanswered() | None:
            holds = ConditionStatus.NO if state.presenters else ConditionStatus.UNKNOWN
    yield Condition(
        phase=Phase.RETIRE,
        text=f"AWS shows no stage of the account and region presenting {block}, in "
        "Terraform or not",
        holds=holds,
    )


def _rollback(state: ManagedState) -> Iterator[Condition]:
    block = state.predecessor.block
    yield Condition(
        phase=Phase.ROLLBACK,
        text=f"AWS knows {block}",
        holds=_known_to_aws(state.instances),
    )
    yield Condition(
        phase=Phase.ROLLBACK,
        text=f"{block} has not ended",
        holds=_not_ended(state.instances),
    )
    trusted, evidence = old_status(trust_evidence(state))
    yield Condition(
        phase=Phase.ROLLBACK,
        text=f"every backend still trusts {block}",
        holds=trusted,
        evidence=evidence,
    )


def _not_ended(instances: tuple[Case, ...]) -> ConditionStatus:
    if not instances or any(
        case.days_left is not None and case.days_left < 0 for case in instances
    ):
        return ConditionStatus.NO
    return (
        ConditionStatus.UNKNOWN
        if any(case.days_left is None for case in instances)
        else ConditionStatus.YES
    )
