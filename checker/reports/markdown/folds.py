"""The folds of a Markdown report.

A fold is complete, or the report says how to get its content; it is never cut short.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from checker.reports.json_v1_read import JsonManualRotation, JsonPatch
from checker.reports.markdown.escape import (
    NamedAccounts,
    code,
    fenced,
    fits_comment,
    in_html,
    sentence,
)


class Section(StrEnum):
    """The heading above a fold."""

    PATCHES = "#### Patches, one phase per apply"
    MANUAL = "#### Manual steps with the AWS CLI"


_MORE = {
    Section.PATCHES: "more patches: `tfcert patch --phase all --out patches` writes them",
    Section.MANUAL: "more manual rotations: `tfcert scan` prints them",
}


class Folded(Struct, frozen=True, kw_only=True):
    """A patch or some steps as a fold, and the line to show instead of it.

    The fold is None if a comment cannot show its content unchanged.
    """

    section: Section
    whole: str | None
    instead: str


def fold(summary: str, body: str) -> str:
    """Format a fold; `summary` is HTML, `body` Markdown."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def arrange(folds: Sequence[Folded], shown: Sequence[bool], most: int) -> list[str]:
    """Return the blocks of all folds: the shown ones, and `most` lines per section for others."""
    return [block for section in Section for block in _section(section, folds, shown, most)]


def _section(
    section: Section, folds: Sequence[Folded], shown: Sequence[bool], most: int
) -> list[str]:
    mine = [
        (each, chosen and each.whole is not None)
        for each, chosen in zip(folds, shown, strict=True)
        if each.section is section
    ]
    if not mine:
        return []
    instead = [each.instead for each, chosen in mine if not chosen]
    lines = instead[:most]
    if len(instead) > most:
        lines.append(f"- … {len(instead) - most} {_MORE[section]}")
    return [
        section.value,
        *(each.whole or "" for each, chosen in mine if chosen),
        *(["\n".join(lines)] if lines else []),
    ]


_PHASES = ("introduce", "repoint", "retire", "rollback")
_NAMES = 3
_CONDITIONS = 20


def folded(documents: Sequence[NamedAccounts], *, artifact: str | None) -> list[Folded]:
    """Return every patch, first phases first; one that several root modules share appears once."""
    shared: dict[str, tuple[JsonPatch, dict[str, None]]] = {}
    for each in documents:
        for patch in each.document.get("patches", ()):
            # Withheld patches have an empty diff, but differ from each other.
            key = patch["diff"] or f"{each.name}\0{len(shared)}"
            shared.setdefault(key, (patch, {}))[1][each.name] = None
    found = sorted(shared.values(), key=lambda entry: _PHASES.index(entry[0]["phase"]))
    return [_folded(patch, tuple(names), artifact) for patch, names in found]


def how_to_get(phase: str, artifact: str | None) -> str:
    """Return the command that writes a patch, and the artifact that contains it."""
    beside = f", or take it from the artifact {code(artifact)}" if artifact else ""
    return f"`tfcert patch --phase {phase} --out patches` writes it{beside}"


def _folded(patch: JsonPatch, names: Sequence[str], artifact: str | None) -> Folded:
    which = " ".join(code(name, longest=80) for name in names[:_NAMES] if name)
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    # The file name only: the folder is the one of the workspace or of the reader.
    title = f"{f'{which}{more} ' if which else ''}{code(patch['file'], longest=80)}"
    instead = f"- {title}: {_why_not(patch)}; {how_to_get(patch['phase'], artifact)}"
    if not patch["diff"] or not fits_comment(patch["diff"]):
        return Folded(section=Section.PATCHES, whole=None, instead=instead)
    among = " ".join(in_html(name, longest=80) for name in names[:_NAMES] if name)
    summary = (
        f"{f'{among}{more} ' if among else ''}{in_html(patch['file'], longest=80)}: "
        f"{patch['phase']} ({_status(patch)})"
    )
    conditions = "".join(f"- first: {sentence(text)}\n" for text in patch["unmet"][:_CONDITIONS])
    body = (
        f"{conditions}\n{fenced(patch['diff'], 'diff')}"
        if conditions
        else fenced(patch["diff"], "diff")
    )
    return Folded(section=Section.PATCHES, whole=fold(summary, body), instead=instead)


def _status(patch: JsonPatch) -> str:
    unmet = len(patch["unmet"])
    return f"not yet: {unmet} condition{'s' * (unmet != 1)}" if unmet else "its conditions are met"


def _why_not(patch: JsonPatch) -> str:
    if not patch["diff"]:
        return "not shown, it names an account"
    if not fits_comment(patch["diff"]):
        return "not shown, it contains characters that a comment does not keep"
    return "too long for this report"


_NAME = 80


def folded_manual(documents: Sequence[NamedAccounts]) -> list[Folded]:
    """Return every manual rotation, the nearest end first."""
    found = [(each.name, one) for each in documents for one in each.document.get("by_hand", ())]
    found.sort(key=lambda entry: (entry[1]["expires_at"] is None, entry[1]["expires_at"] or ""))
    return [_folded_manual(name, one) for name, one in found]


def _folded_manual(name: str, one: JsonManualRotation) -> Folded:
    place = [text for text in (one["account"], one["region"]) if text]
    title = " ".join(
        code(text, longest=_NAME)
        for text in (*filter(None, (name,)), one["certificate_id"], *place)
    )
    summary = " ".join(
        in_html(text, longest=_NAME)
        for text in (*filter(None, (name,)), one["certificate_id"], *place)
    )
    instead = f"- {title}: {_why_no_manual_steps(one)}; `tfcert scan` prints the steps"
    if not one["steps"] or not _is_showable(one):
        return Folded(section=Section.MANUAL, whole=None, instead=instead)
    return Folded(
        section=Section.MANUAL, whole=fold(summary, "\n\n".join(_steps(one))), instead=instead
    )


def _steps(one: JsonManualRotation) -> Iterator[str]:
    for number, step in enumerate(one["steps"], start=1):
        yield f"**{number}.** {sentence(step['does'])}"
        if step["commands"]:
            yield fenced("\n".join(step["commands"]), "sh")
        if step["then"] is not None:
            yield f"→ {sentence(step['then'])}"


def _is_showable(one: JsonManualRotation) -> bool:
    return all(fits_comment(command) for step in one["steps"] for command in step["commands"])


def _why_no_manual_steps(one: JsonManualRotation) -> str:
    if not one["steps"]:
        return "not shown, its commands name an account"
    return (
        "too long for this report"
        if _is_showable(one)
        else "not shown, it contains characters that a comment does not keep"
    )
