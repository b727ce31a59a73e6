"""What several reports say of a certificate and its rotation, in the same words in each."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from checker.model.cases import Case, DocumentCases
from checker.model.observation import Observations
from checker.model.policy import Policy
from checker.model.rotation import Blocked, Done, Next, Rotation, Step, Waiting

# Where the stages of a certificate were searched: its account and region (completely, or the part
# that could be listed), or a document.
Searched = Literal["region", "region_in_part", "state", "plan"]

_NOBODY: dict[Searched, str] = {
    "region": "no stage of its account and region",
    "region_in_part": "no stage that was listed",
    "state": "no stage in this state",
    "plan": "no stage in this plan",
}


def searched(part: DocumentCases, case: Case, observations: Observations) -> Searched:
    """Return where the stages that may present a certificate were searched."""
    if part.document.source.kind == "aws":
        return "region_in_part" if part.document.unread else "region"
    if case.subject.key is not None and observations.lists_stages_of(case.subject.key.place):
        return "region"
    return "plan" if part.document.plan is not None else "state"


def step_in_words(step: Step) -> tuple[str, str | None]:
    """Return the word for a rotation's step, and why it waits or is blocked; else None."""
    match step:
        case Next(phase=phase):
            return str(phase), None
        case Waiting(reason=reason):
            return "waiting", reason
        case Blocked(reason=why, remedy=remedy):
            return "blocked", f"{why}; {remedy}"
        case Done():
            return "done", None


def deadlines_of_case(
    case: Case, rotation: Rotation | None, policy: Policy
) -> tuple[tuple[str, datetime], ...]:
    """Return the deadlines of a rotation, or those that the policy computes from the end.

    There are none if ACM renews the certificate.
    """
    if case.expires_at is None or not case.presented or case.certificate.kind == "acm":
        return ()
    introduced = rotation is not None and rotation.introduced
    introduce_by = (rotation.introduce_by if rotation is not None else None) or policy.introduce_by(
        case.expires_at
    )
    repoint_by = (rotation.repoint_by if rotation is not None else None) or policy.repoint_by(
        case.expires_at
    )
    return (*(() if introduced else (("introduce", introduce_by),)), ("repoint", repoint_by))


def count_noun(count: int, noun: str, plural: str = "") -> str:
    """Format a count with its noun: 1 stage, 2,950 certificates."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def presenters_in_words(count: int, where: Searched | None) -> str:
    """Format the number of stages that present a certificate.

    Zero always comes with the place that was searched. `where` is None for an outcome of a version
    that did not record it.
    """
    if count:
        return f"{count} stage{'s' * (count != 1)}"
    return _NOBODY[where] if where is not None else "no stage that was read"


def manager_in_words(*, managed: bool | None) -> str:
    """Format whether Terraform manages a certificate that is rotated manually."""
    match managed:
        case True:
            return "managed by Terraform, and stages outside of Terraform present it"
        case False:
            return "in none of the given states"
        case None:
            return "if Terraform manages it, use `tfcert patch` with its state instead"
