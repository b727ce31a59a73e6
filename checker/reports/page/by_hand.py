"""Rotations that no patch can write, as lists of steps whose commands are copied one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from checker.domain.by_hand import HandRotation, HandStep
from checker.domain.value import value
from checker.reports.page.diffs import holdable, visible
from checker.reports.page.wording import Date, date_of, until

if TYPE_CHECKING:
    from markupsafe import Markup


@value
class StepView:
    """What is done, the lines of shell that do it, and what must hold before the next; `whole` as for a patch."""

    does: str
    commands: Markup | None
    whole: bool
    then: str | None


@value
class ByHand:
    """One certificate to rotate with the AWS CLI."""

    anchor: str
    certificate: str
    place: str
    whose: str
    end: Date | None
    due: str
    stages: tuple[str, ...]
    steps: tuple[StepView, ...]


def by_hand(rotations: tuple[HandRotation, ...], as_of: datetime) -> tuple[ByHand, ...]:
    """The rotations in the order of the report."""
    return tuple(
        ByHand(
            anchor=f"h{number}",
            certificate=rotation.certificate_id,
            place=str(rotation.place),
            whose=_whose(managed=rotation.managed),
            end=date_of(rotation.ends) if rotation.ends is not None else None,
            due=until((rotation.ends - as_of) // timedelta(days=1)) if rotation.ends is not None else "",
            stages=rotation.stages,
            steps=tuple(map(_step, rotation.steps)),
        )
        for number, rotation in enumerate(rotations)
    )


def steps_of(rotations: tuple[HandRotation, ...]) -> Mapping[str, str]:
    """Where on the page the steps for a certificate are, by its id; an id that two places have is left out."""
    times = Counter(rotation.certificate_id for rotation in rotations)
    return {
        rotation.certificate_id: f"h{number}" for number, rotation in enumerate(rotations) if times[rotation.certificate_id] == 1
    }


def _step(step: HandStep) -> StepView:
    text = "\n".join(step.commands)
    return StepView(does=step.does, commands=visible(text) if text else None, whole=holdable(text), then=step.then)


def _whose(*, managed: bool | None) -> str:
    match managed:
        case True:
            return "Terraform's, and stages that are not Terraform's present it"
        case False:
            return "in no state that was given"
        case None:
            return "if it is Terraform's, use `tfcert patch` where its state is, and not this"
