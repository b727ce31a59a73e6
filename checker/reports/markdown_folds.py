"""Folds of a report in Markdown: each whole, or not there and how to get it in its place; never a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from checker.domain.value import value


class Section(StrEnum):
    """Under which heading a fold stands."""

    PATCHES = "#### Patches, one phase an apply"
    BY_HAND = "#### By hand, with the AWS CLI"


_MORE = {
    Section.PATCHES: "more patches: `tfcert patch --phase all --out patches` writes them",
    Section.BY_HAND: "more rotations by hand: `tfcert scan` prints them",
}


@value
class Folded:
    """A patch or some steps as a fold, None where a comment cannot show it as it is, and the line that says how to get it then."""

    section: Section
    whole: str | None
    instead: str


def fold(summary: str, body: str) -> str:
    """A fold; `summary` is HTML, `body` Markdown."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def arrange(folds: Sequence[Folded], shown: Sequence[bool], most: int) -> list[str]:
    """The blocks of all folds: those that are shown, and at most `most` lines a section for the others."""
    return [block for section in Section for block in _section(section, folds, shown, most)]


def _section(section: Section, folds: Sequence[Folded], shown: Sequence[bool], most: int) -> list[str]:
    mine = [(each, chosen and each.whole is not None) for each, chosen in zip(folds, shown, strict=True) if each.section is section]
    if not mine:
        return []
    instead = [each.instead for each, chosen in mine if not chosen]
    lines = instead[:most]
    if len(instead) > most:
        lines.append(f"- … {len(instead) - most} {_MORE[section]}")
    return [section.value, *(each.whole or "" for each, chosen in mine if chosen), *(["\n".join(lines)] if lines else [])]
