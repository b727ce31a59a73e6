"""The steps of a rotation by hand, as lines that can be pasted into a shell: what is no command is a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from checker.reports.printable import printable
from checker.reports.wrapping import Line, TextSpan, Tone, wrapped

if TYPE_CHECKING:
    from checker.domain.by_hand import HandRotation

_COMMENT = "    # "


def by_hand(rotations: Iterable[HandRotation], width: int) -> Iterator[Line]:
    """Each rotation with its numbered steps; a command is never broken, however long it is."""
    for rotation in rotations:
        yield Line(())
        who = TextSpan(f"certificate {rotation.certificate_id} ({rotation.place}){_whose(rotation)}")
        yield from wrapped((TextSpan("by hand: ", Tone.STRONG), who), width, hanging=4)
        for number, step in enumerate(rotation.steps, start=1):
            yield from _comment(step.does, f"{number}. ", width)
            yield from (Line((TextSpan(printable(f"    {command}")),)) for command in step.commands)
            if step.then is not None:
                yield from _comment(step.then, "   => ", width)


def _whose(rotation: HandRotation) -> str:
    match rotation.managed:
        case True:
            return ": Terraform's, and stages that are not Terraform's present it"
        case False:
            return ": in no state that was given"
        case None:
            return ": if it is Terraform's, use `tfcert patch` where its state is, and not this"


def _comment(text: str, before: str, width: int) -> Iterator[Line]:
    margin = _COMMENT + before
    for number, line in enumerate(wrapped((TextSpan(text),), width - len(margin))):
        yield Line((TextSpan((_COMMENT + " " * len(before) if number else margin) + line.plain, Tone.FAINT),))
