"""Patches in a report in Markdown: each whole in a fold, or not there and how to get it in its place."""

from __future__ import annotations

from collections.abc import Sequence

from checker.reports.account_masks import NamedAccounts
from checker.reports.commonmark import code, fenced, in_html, sentence, showable
from checker.reports.document import JsonPatch
from checker.reports.markdown_folds import Folded, Section, fold

_PHASES = ("introduce", "repoint", "retire", "rollback")
_NAMES = 3
_CONDITIONS = 20


def folded(documents: Sequence[NamedAccounts], *, artifact: str | None) -> list[Folded]:
    """Every patch, the first phases first; one that several root modules share is there once."""
    shared: dict[str, tuple[JsonPatch, dict[str, None]]] = {}
    for each in documents:
        for patch in each.document.get("patches", ()):
            # Those that are withheld hold something of their own.
            key = patch["diff"] or f"{each.name}\0{len(shared)}"
            shared.setdefault(key, (patch, {}))[1][each.name] = None
    found = sorted(shared.values(), key=lambda entry: _PHASES.index(entry[0]["phase"]))
    return [_folded(patch, tuple(names), artifact) for patch, names in found]


def how_to_get(phase: str, artifact: str | None) -> str:
    """The command that writes a patch, and where else it lies."""
    beside = f", or take it from the artifact {code(artifact)}" if artifact else ""
    return f"`tfcert patch --phase {phase} --out patches` writes it{beside}"


def _folded(patch: JsonPatch, names: Sequence[str], artifact: str | None) -> Folded:
    which = " ".join(code(name, longest=80) for name in names[:_NAMES] if name)
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    # Its name alone: the folder is the workspace's, or the reader's own.
    title = f"{f'{which}{more} ' if which else ''}{code(patch['file'], longest=80)}"
    instead = f"- {title}: {_why_not(patch)}; {how_to_get(patch['phase'], artifact)}"
    if not patch["diff"] or not showable(patch["diff"]):
        return Folded(section=Section.PATCHES, whole=None, instead=instead)
    among = " ".join(in_html(name, longest=80) for name in names[:_NAMES] if name)
    summary = f"{f'{among}{more} ' if among else ''}{in_html(patch['file'], longest=80)}: {patch['phase']} ({_standing(patch)})"
    conditions = "".join(f"- first: {sentence(text)}\n" for text in patch["unmet"][:_CONDITIONS])
    body = f"{conditions}\n{fenced(patch['diff'], 'diff')}" if conditions else fenced(patch["diff"], "diff")
    return Folded(section=Section.PATCHES, whole=fold(summary, body), instead=instead)


def _standing(patch: JsonPatch) -> str:
    unmet = len(patch["unmet"])
    return f"not yet: {unmet} condition{'s' * (unmet != 1)}" if unmet else "its conditions hold"


def _why_not(patch: JsonPatch) -> str:
    if not patch["diff"]:
        return "not shown, it names an account"
    if not showable(patch["diff"]):
        return "not shown, it holds characters that a comment does not keep"
    return "left out for its size"
