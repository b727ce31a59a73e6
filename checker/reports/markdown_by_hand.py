"""Rotations by hand in a report in Markdown: the steps of each in a fold, with the lines to paste into a shell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.reports.account_masks import NamedAccounts
from checker.reports.commonmark import code, fenced, in_html, sentence, showable
from checker.reports.document import JsonManualRotation
from checker.reports.markdown_folds import Folded, Section, fold

_NAME = 80


def folded_by_hand(documents: Sequence[NamedAccounts]) -> list[Folded]:
    """Every rotation by hand, the nearest end first."""
    found = [(each.name, one) for each in documents for one in each.document.get("by_hand", ())]
    found.sort(key=lambda entry: (entry[1]["expires_at"] is None, entry[1]["expires_at"] or ""))
    return [_folded(name, one) for name, one in found]


def _folded(name: str, one: JsonManualRotation) -> Folded:
    place = [text for text in (one["account"], one["region"]) if text]
    title = " ".join(code(text, longest=_NAME) for text in (*filter(None, (name,)), one["certificate_id"], *place))
    summary = " ".join(in_html(text, longest=_NAME) for text in (*filter(None, (name,)), one["certificate_id"], *place))
    instead = f"- {title}: {_why_not(one)}; `tfcert scan` prints the steps"
    if not one["steps"] or not _is_showable(one):
        return Folded(section=Section.BY_HAND, whole=None, instead=instead)
    return Folded(section=Section.BY_HAND, whole=fold(summary, "\n\n".join(_steps(one))), instead=instead)


def _steps(one: JsonManualRotation) -> Iterator[str]:
    for number, step in enumerate(one["steps"], start=1):
        yield f"**{number}.** {sentence(step['does'])}"
        if step["commands"]:
            yield fenced("\n".join(step["commands"]), "sh")
        if step["then"] is not None:
            yield f"→ {sentence(step['then'])}"


def _is_showable(one: JsonManualRotation) -> bool:
    return all(showable(command) for step in one["steps"] for command in step["commands"])


def _why_not(one: JsonManualRotation) -> str:
    if not one["steps"]:
        return "not shown, its commands name an account"
    return "left out for its size" if _is_showable(one) else "not shown, it holds characters that a comment does not keep"
