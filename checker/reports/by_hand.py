"""The steps of a rotation by hand, as lines that can be pasted into a shell: what is no command is a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checker.domain.by_hand import HandRotation

_WIDTH = 116


def by_hand(rotations: Iterable[HandRotation]) -> Iterator[str]:
    """Each rotation with its numbered steps."""
    for rotation in rotations:
        yield ""
        yield f"by hand: certificate {rotation.certificate_id} ({rotation.place}){_whose(rotation)}"
        for number, step in enumerate(rotation.steps, start=1):
            yield from _comment(f"{number}. {step.does}", "   ")
            yield from (f"    {command}" for command in step.commands)
            if step.then is not None:
                yield from _comment(f"   => {step.then}", "      ")


def _whose(rotation: HandRotation) -> str:
    match rotation.managed:
        case True:
            return ": Terraform's, and stages that are not Terraform's present it"
        case False:
            return ": in no state that was given"
        case None:
            return ": if it is Terraform's, use `tfcert patch` where its state is, and not this"


def _comment(text: str, further: str) -> list[str]:
    # Only here: most runs have nothing to wrap.
    import textwrap

    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="    # ",
        subsequent_indent=f"    # {further}",
        # A name that is copied from a comment is whole.
        break_on_hyphens=False,
        break_long_words=False,
    )
