"""Markdown for comments on pull requests and for pipeline summaries, within a length limit.

The input is JSON version 1, so that one report can contain the outcomes of several workspaces, each
from its own run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from msgspec import Struct

from checker.model.outcome import Outcome
from checker.reports.json_v1 import outcome_document
from checker.reports.json_v1_read import JsonDocument
from checker.reports.markdown import sections as sections
from checker.reports.markdown.escape import NamedAccounts, mask_accounts
from checker.reports.markdown.folds import Folded, arrange, folded, folded_manual
from checker.reports.markdown.root_paths import by_repository

_EVERYTHING = 10**9


class Detail(Struct, frozen=True, kw_only=True):
    """The maximum number of items in each part.

    `minor` are notes and suppressed findings, `instead` are the lines for folds that are not shown.
    """

    rows: int = _EVERYTHING
    certificates: int = _EVERYTHING
    findings: int = _EVERYTHING
    minor: int = _EVERYTHING
    steps: int = _EVERYTHING
    notices: int = _EVERYTHING
    instead: int = _EVERYTHING


# From full to short. Certificates far from their end are omitted first, then findings that do not
# count. From the fourth entry on, a command replaces each patch, the last phases first. Then
# findings and rotations are cut short, and root modules last.
_SHRINKING = (
    Detail(),
    Detail(certificates=10),
    Detail(certificates=10, minor=0),
    Detail(certificates=5, minor=0, findings=100, steps=100, notices=20, instead=50),
    Detail(certificates=0, minor=0, findings=30, steps=30, notices=10, instead=20),
    Detail(certificates=0, minor=0, findings=10, steps=10, notices=5, instead=10),
    Detail(certificates=0, minor=0, findings=3, steps=3, notices=3, instead=3),
    Detail(certificates=0, minor=0, findings=3, steps=3, rows=200, notices=3, instead=3),
    Detail(certificates=0, minor=0, findings=3, steps=3, rows=50, notices=3, instead=3),
    Detail(certificates=0, minor=0, findings=1, steps=1, rows=10, notices=1, instead=1),
    Detail(certificates=0, minor=0, findings=0, steps=0, rows=0, notices=0, instead=0),
)
_WITH_PATCHES = 3


class _Parts(Struct, frozen=True, kw_only=True):
    head: str
    verdict: str
    rows: list[sections.MarkdownRow]
    certificates: list[str]
    findings: list[str]
    minor: list[str]
    steps: list[str]
    notices: list[str]
    folds: list[Folded]
    named: bool
    linked: bool


def render(outcome: Outcome) -> str:
    """Write an outcome as Markdown without a length limit."""
    return render_within(outcome, None)


def render_within(outcome: Outcome, limit: int | None) -> str:
    """Write an outcome as Markdown of at most `limit` UTF-16 code units."""
    document = by_repository(cast("JsonDocument", outcome_document(outcome)), outcome.checkout)
    return render_documents(
        [NamedAccounts(name="", document=document)],
        limit=limit,
        rule_pages=outcome.cases.policy.rule_pages,
    )


def render_documents(
    documents: Sequence[NamedAccounts],
    *,
    limit: int | None = None,
    masked: bool = False,
    artifact: str | None = None,
    rule_pages: str | None = None,
) -> str:
    """Write the outcomes of some checks as one report, at most `limit` UTF-16 code units long.

    Content that does not fit is omitted in the order of `_SHRINKING`, and the report shows the
    number of omitted items. A patch is complete or omitted. `masked` replaces the ids of accounts.
    `artifact` is the pipeline's artifact with the patches. `rule_pages` is the address of the
    folder with the pages of the rules; it is the user's own, never one of a document.
    """
    named = tuple(
        NamedAccounts(name=each.name, document=by_repository(each.document)) for each in documents
    )
    shown = mask_accounts(named) if masked else named
    rows = sections.rows(shown)
    link = sections.link_rules(rule_pages)
    findings = sections.findings(shown, minor=False, rule=link)
    minor = sections.findings(shown, minor=True, rule=link)
    parts = _Parts(
        head=sections.head(shown),
        verdict=sections.verdict_line([each.document for each in shown]),
        # One row would only repeat the lines above it.
        rows=rows if len(rows) != 1 else [],
        certificates=sections.certificates(shown),
        findings=findings,
        minor=minor,
        steps=sections.steps(shown),
        notices=sections.notices(shown),
        folds=[*folded(shown, artifact=artifact), *folded_manual(shown)],
        named=any(each.name for each in shown),
        linked=rule_pages is not None,
    )
    return _fitted(parts, limit)


def _fitted(parts: _Parts, limit: int | None) -> str:
    every = [each.whole is not None for each in parts.folds]
    none = [False] * len(every)
    text = ""
    for at, detail in enumerate(_SHRINKING):
        if at < _WITH_PATCHES:
            text = _assembled(parts, detail, every)
            if limit is None or size(text) <= limit:
                return text
        text = _assembled(parts, detail, none)
        if limit is not None and at >= _WITH_PATCHES - 1 and size(text) <= limit:
            return _filled(parts, detail, text, limit)
    return text


def _filled(parts: _Parts, detail: Detail, text: str, limit: int) -> str:
    chosen = _chosen(parts, limit - size(text))
    while any(chosen):
        text = _assembled(parts, detail, chosen)
        if size(text) <= limit:
            return text
        # Fewer lines for omitted patches make room for lines that were only counted before, so the
        # text may still be too long: omit one patch more.
        chosen[len(chosen) - 1 - chosen[::-1].index(True)] = False
    return _assembled(parts, detail, chosen)


def _chosen(parts: _Parts, room: int) -> list[bool]:
    """Return which patches to show: each that still fits, in the order of their application."""
    chosen: list[bool] = []
    for each in parts.folds:
        # A shown patch also saves its own line. That is not counted, since the line may be one of
        # those that are not shown.
        needed = size(each.whole) + 2 if each.whole is not None else room + 1
        chosen.append(needed <= room)
        room -= needed if chosen[-1] else 0
    return chosen


def size(text: str) -> int:
    """Return the length of a text as forges count it: in UTF-16 code units, or fewer."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _assembled(parts: _Parts, detail: Detail, shown: Sequence[bool]) -> str:
    blocks = [parts.head, parts.verdict]
    blocks += _list("", parts.notices, detail.notices, "notices")
    blocks += _list("#### What to do next", parts.steps, detail.steps, "rotations")
    blocks += _list("#### Findings", parts.findings, detail.findings, "findings")
    if parts.findings and detail.findings and not parts.linked:
        blocks.append("`tfcert rules NAME` prints the page of a rule.")
    rows = _table(
        "| root module | verdict | nearest end "
        "| errors | warnings | notes | certificates | stages |\n"
        "|---|---|---|--:|--:|--:|--:|--:|",
        [row.line for row in parts.rows],
        detail.rows,
        lambda left: f"… and {left} more root modules{_not_clean(parts.rows[detail.rows :])}",
    )
    blocks += ["#### Root modules", *rows] if rows else []
    certificates = _table(
        f"|{' outcome |' * parts.named} certificate | id | left | evidence "
        "| account and region | presented by |\n"
        f"|{'---|' * parts.named}---|---|---|---|---|---|",
        parts.certificates,
        detail.certificates,
        lambda left: f"… and {left} more certificates",
    )
    blocks += _behind("Certificates by urgency", certificates)
    minor = _list("", parts.minor, detail.minor, "notes and exempt findings")
    blocks += _behind("Notes and exemptions", minor)
    blocks += arrange(parts.folds, shown, detail.instead)
    return "\n\n".join(blocks) + "\n"


def _behind(summary: str, blocks: Sequence[str]) -> list[str]:
    return [f"<details><summary>{summary}</summary>", *blocks, "</details>"] if blocks else []


def _table(head: str, lines: Sequence[str], most: int, more: Callable[[int], str]) -> list[str]:
    taken = lines[:most]
    blocks = ["\n".join((head, *taken))] if taken else []
    return [*blocks, more(len(lines) - len(taken))] if len(lines) > len(taken) else blocks


def _list(title: str, lines: Sequence[str], most: int, what: str) -> list[str]:
    if not lines:
        return []
    taken = [*lines[:most]]
    if len(lines) > most:
        taken.append(f"- … and {len(lines) - most} more {what}, in the JSON")
    return [*([title] if title else []), "\n".join(taken)]


def _not_clean(rows: Sequence[sections.MarkdownRow]) -> str:
    open_ones = sum(row.rank < 3 for row in rows)
    return f", {open_ones} of them not clean" if open_ones else ", all clean"
