"""The cards of manual rotations on the page, with their steps for the AWS CLI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.rotation import ManualRotation, ManualStep
from checker.reports.html.diffs import fits_html, show_controls
from checker.reports.html.format import Deadline, deadline_of
from checker.reports.presenting import manager_in_words

if TYPE_CHECKING:
    from markupsafe import Markup


class StepView(Struct, frozen=True, kw_only=True):
    """One step: its action, its shell commands, and the conditions of the next step.

    `whole` is whether the page can contain the commands unchanged, as for a patch.
    """

    does: str
    commands: Markup | None
    whole: bool
    then: str | None


class ManualCard(Struct, frozen=True, kw_only=True):
    """One certificate to rotate with the AWS CLI."""

    anchor: str
    certificate: str
    place: str
    manager: str
    end: Deadline | None
    stages: tuple[str, ...]
    steps: tuple[StepView, ...]


def manual_cards(rotations: tuple[ManualRotation, ...], as_of: datetime) -> tuple[ManualCard, ...]:
    """Return the cards of the manual rotations, in the order of the report."""
    return tuple(
        ManualCard(
            anchor=f"h{number}",
            certificate=rotation.certificate_id,
            place=str(rotation.place),
            manager=manager_in_words(managed=rotation.managed),
            end=deadline_of(rotation.ends, as_of) if rotation.ends is not None else None,
            stages=rotation.stages,
            steps=tuple(map(_step, rotation.steps)),
        )
        for number, rotation in enumerate(rotations)
    )


def steps_of(rotations: tuple[ManualRotation, ...]) -> Mapping[str, str]:
    """Return the anchor of the steps for each certificate, by its id.

    An id that two places have is omitted.
    """
    times = Counter(rotation.certificate_id for rotation in rotations)
    return {
        rotation.certificate_id: f"h{number}"
        for number, rotation in enumerate(rotations)
        if times[rotation.certificate_id] == 1
    }


def _step(step: ManualStep) -> StepView:
    text = "\n".join(step.commands)
    return StepView(
        does=step.does,
        commands=show_controls(text) if text else None,
        whole=fits_html(text),
        then=step.then,
    )
