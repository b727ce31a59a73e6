"""What must hold before each phase is applied, and whether it holds now: the header of every patch says so (I2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from checker.domain.address import Address
from checker.domain.case_values import Case, Evidence, days_between
from checker.domain.observation import Surveyed, Unanswered
from checker.domain.rotation import Blocked, Condition, Holds, Phase, Step, Waiting
from checker.rotation.standing import RotationState


def conditions(standing: RotationState, successor: Address) -> tuple[Condition, ...]:
    """The conditions of repoint, retire and rollback; introduce has none."""
    return (*_repoint(standing, successor), *_retire(standing), *_rollback(standing))


def _repoint(standing: RotationState, successor: Address) -> Iterator[Condition]:
    there = standing.successor_cases
    complete = bool(there) and not tuple(standing.missing_instances())
    yield Condition(phase=Phase.REPOINT, text=f"{successor} is applied and in state", holds=Holds.YES if complete else Holds.NO)
    yield Condition(phase=Phase.REPOINT, text=f"AWS knows {successor}", holds=_known(there))
    if there:
        yield Condition(
            phase=Phase.REPOINT,
            text=f"{successor} ends later than {standing.block}, and not soon",
            holds=Holds.NO if standing.unfit is not None else _dated(there),
        )
    window = standing.cases.policy.trust_window_days
    yield Condition(
        phase=Phase.REPOINT,
        text=f"{successor} is at least {window} days old (the trust window)",
        holds=_old_enough(standing, there),
        until=window_end(standing),
        why=age(standing),
    )
    yield Condition(phase=Phase.REPOINT, text=f"every backend trusts {successor}, beside the old one", holds=Holds.UNKNOWN)


def _known(there: tuple[Case, ...]) -> Holds:
    if not there or any(case.evidence is Evidence.GONE for case in there):
        return Holds.NO
    return Holds.YES if all(case.evidence is Evidence.OBSERVED for case in there) else Holds.UNKNOWN


def _dated(there: tuple[Case, ...]) -> Holds:
    return Holds.UNKNOWN if any(case.expires_at is None for case in there) else Holds.YES


def _old_enough(standing: RotationState, there: tuple[Case, ...]) -> Holds:
    if not there:
        return Holds.NO
    ready = window_end(standing)
    if ready is None:
        return Holds.UNKNOWN
    return Holds.YES if ready <= standing.cases.as_of else Holds.NO


def window_end(standing: RotationState) -> datetime | None:
    """The moment at which the trust window of the successor ends; None while an instance is missing or of unknown age."""
    made = [case.made_at for case in standing.successor_cases]
    dated = [instant for instant in made if instant is not None]
    if not dated or len(dated) < len(made):
        return None
    return standing.cases.policy.window_end(max(dated))


def age(standing: RotationState) -> str:
    """How old the youngest instance of the successor is, in words; empty where that is not known."""
    made = [case.made_at for case in standing.successor_cases if case.made_at is not None]
    if not made:
        return ""
    days = max(0, days_between(max(made), standing.cases.as_of))
    return f"the successor is {days} day{'s' * (days != 1)} old"


def _retire(standing: RotationState) -> Iterator[Condition]:
    yield Condition(
        phase=Phase.RETIRE,
        text=f"no stage in state presents {standing.block}",
        holds=Holds.NO if standing.presenters else Holds.YES,
    )
    match standing.survey():
        case Surveyed() as survey:
            holds = Holds.NO if standing.still_presenting(survey) else Holds.YES
        case Unanswered() | None:
            holds = Holds.NO if standing.presenters else Holds.UNKNOWN
    yield Condition(
        phase=Phase.RETIRE,
        text=f"AWS shows no stage of the account and region presenting {standing.block}, in Terraform or not",
        holds=holds,
    )


def _rollback(standing: RotationState) -> Iterator[Condition]:
    yield Condition(phase=Phase.ROLLBACK, text=f"AWS knows {standing.block}", holds=_known(standing.own))
    yield Condition(phase=Phase.ROLLBACK, text=f"{standing.block} has not ended", holds=_lives(standing.own))
    yield Condition(phase=Phase.ROLLBACK, text=f"every backend still trusts {standing.block}", holds=Holds.UNKNOWN)


def _lives(own: tuple[Case, ...]) -> Holds:
    if not own or any(case.days_left is not None and case.days_left < 0 for case in own):
        return Holds.NO
    return Holds.UNKNOWN if any(case.days_left is None for case in own) else Holds.YES


def unseen_presenters(standing: RotationState) -> Step | None:
    """Whether AWS confirms that no stage of the account and region presents it, in Terraform or not."""
    if not standing.cases.observations.asked:
        return Waiting("AWS was not asked whether any stage still presents it (--offline)", unverified=True)
    match standing.survey():
        case None:
            return Waiting("AWS was not asked about the stages of its account and region", unverified=True)
        case Unanswered(reason=reason):
            return Waiting(f"AWS has not confirmed that no stage presents it: {reason}", unverified=True)
        case Surveyed() as survey:
            still = standing.still_presenting(survey)
    if not still:
        return None
    known = {(stage.api_id, stage.name) for stage in standing.document.document.stages}
    outside = [stage for stage in still if (stage.api_id, stage.name) not in known]
    if not outside:
        names = ", ".join(map(str, still))
        return Waiting(
            f"AWS still shows it presented by {names}, which state says is moved: an apply failed before it moved the stage, "
            "or somebody moved it back; apply again"
        )
    names = ", ".join(map(str, outside))
    return Blocked(
        f"stages that this state does not know still present it: {names}",
        "move them to the successor first, in the configuration that owns them or with `aws apigateway update-stage`",
    )


def _not_reached(standing: RotationState, uncovered: tuple[object, ...]) -> Blocked:
    stage = uncovered[0]
    address = getattr(stage, "address", None)
    declared = standing.declared.stage(address.block) if isinstance(address, Address) else None
    removal = standing.declared.removal(address.block) if declared is None and isinstance(address, Address) else None
    if removal is not None and removal.destroys is False:
        return Blocked(
            f"{address} presents it, and a removed block ({removal.location}) takes that stage out of the state: it stays in AWS",
            "apply the removed block alone, then ask again; the new owner of the stage moves it to the successor before retire",
        )
    if removal is not None:
        return Blocked(
            f"{address} presents it, and a removed block ({removal.location}) is to destroy that stage",
            "apply the removed block alone, then ask again",
        )
    if declared is None:
        return Blocked(
            f"{address} presents it, and its block is not in this configuration's files",
            "pass the configuration that declares it with --config, or rotate by hand with the runbook's steps",
        )
    takes = declared.takes or "nothing that can be followed"
    other = next((each for each in standing.declared.certificates if declared.block in each.stages), None)
    if other is not None and other.block != standing.block:
        return Blocked(
            f"{address} presents it, but takes its id from {other.block} ({other.location}), not from {standing.block}",
            f"let {address} refer to {standing.block.in_module}.id again; apply {other.block} alone, have every backend trust it, "
            "then move the stage",
        )
    return Blocked(
        f"{address} presents it, but takes its id from {takes} ({declared.location}), not from {standing.block}",
        declared.remedy or f"make the stage refer to {standing.block}.id, or change where that value comes from by hand",
    )
