"""Sentences about a rotation that all reports, the runbook and `tfcert patch` share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from checker.model.deadlines import due, moment
from checker.model.resources import kind_of
from checker.model.rotation import (
    Blocked,
    Caution,
    Condition,
    ConditionStatus,
    Done,
    Next,
    Phase,
    Rotation,
    Waiting,
)

if TYPE_CHECKING:
    from checker.model.trust import TrustEvidence

NO_MORE_ROTATIONS = (
    "stages that use the ARN of an ACM certificate from a private CA need no yearly rotation, "
    "because ACM renews it; this requires AWS Private CA, and backends that trust that CA"
)


def is_yearly(rotation: Rotation) -> bool:
    """Return whether a rotation is of a certificate of API Gateway, which ends after a year."""
    return any(kind_of(identity) == "gateway" for identity in rotation.predecessor_ids)


def open_conditions(rotation: Rotation, phase: Phase) -> tuple[Condition, ...]:
    """Return the conditions of a phase that are not met now, or not confirmed."""
    return tuple(
        each
        for each in rotation.conditions
        if each.phase is phase and each.holds is not ConditionStatus.YES
    )


def cautions(rotation: Rotation, phase: Phase) -> tuple[Caution, ...]:
    """Return the side effects of a phase."""
    return tuple(each for each in rotation.cautions if each.phase is phase)


def condition_in_words(condition: Condition) -> str:
    """Format a condition with its status, and with the date from which it is met if known."""
    if condition.holds is ConditionStatus.NO and condition.until is not None:
        return f"{condition.text} (does not hold before {moment(condition.until)})"
    return f"{condition.text} ({status_in_words(condition)})"


def status_in_words(condition: Condition) -> str:
    """Format whether a condition is met, with the evidence for it if there is any."""
    return f"{condition.holds}{f': {condition.evidence}' if condition.evidence else ''}"


def step_in_words(rotation: Rotation, *, both: bool = False) -> str:
    """Format the next step of a rotation.

    A phase is called safe only if it has no open condition, no caution and no trust consumer to
    look at. `both` is true if introduce edits the trust consumers to contain both PEMs
    (`--trust-bundle`).
    """
    match rotation.step:
        case Next(phase=phase):
            return _next(rotation, phase, both=both)
        case Waiting(reason=reason):
            return f"waiting {reason}" if reason.startswith("until ") else f"waiting: {reason}"
        case Blocked(reason=reason):
            return f"blocked: {reason}"
        case Done():
            return "done"


def preview_in_words(rotation: Rotation, phase: Phase) -> str:
    """Format what a user must know of a written phase that is not the next step, or not safe."""
    unmet = open_conditions(rotation, phase)
    young = next((each for each in unmet if each.until is not None), None)
    if young is not None and young.until is not None:
        return f"{phase} is written; do not apply before {moment(young.until)}: {young.why}"
    if unmet:
        return (
            f"{phase} is written; before you apply it: {'; '.join(map(condition_in_words, unmet))}"
        )
    return f"{phase} is written"


def deadlines(rotation: Rotation, as_of: datetime) -> str:
    """Format the deadlines that are still ahead of a rotation; empty if it has no deadlines."""
    if (
        rotation.introduce_by is None
        or rotation.repoint_by is None
        or isinstance(rotation.step, Done)
    ):
        return ""
    if not rotation.introduced:
        return (
            f"introduce {due(rotation.introduce_by, as_of)}, repoint "
            f"{due(rotation.repoint_by, as_of)}"
        )
    return f"repoint {due(rotation.repoint_by, as_of)}" if rotation.stages else ""


def _next(rotation: Rotation, phase: Phase, *, both: bool) -> str:
    unmet = open_conditions(rotation, phase)
    if unmet:
        return f"{phase} is next; before you apply it: {'; '.join(map(condition_in_words, unmet))}"
    if cautions(rotation, phase):
        return f"{phase} is next; read first what it does besides"
    if not all(consumer.is_calm(phase, both=both) for consumer in rotation.trust):
        return f"{phase} is next; read first what happens to the places that use the PEM"
    return f"{phase} is safe"


def drops(evidence: tuple[TrustEvidence, ...]) -> Iterator[str]:
    """Yield a sentence for each backend that may drop the predecessor after retire.

    The server of a consumer may not be known: that it has both is known.
    """
    for each in evidence:
        if each.may_drop:
            has = "trusts both" if each.status == "confirmed" else "has both"
            yield (
                f"backend {each.backend} {has}; after retire, take the certificate with "
                f"SHA-256 {', '.join(each.may_drop)} out of {each.source}"
            )
