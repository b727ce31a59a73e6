"""Keep one issue with all rotations: found by its hidden first line, among the token's own."""

from __future__ import annotations

import json

from checker.errors import TfcertError
from checker.forges.proposals.execute import RequestResult
from checker.forges.proposals.forge import ForgeIssue, ProposalForge

_WHAT = "the dashboard"


def dashboard_line(key: str) -> str:
    """Return the hidden first line of the issue of a job."""
    text = json.dumps(key).replace("--", "-\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<!-- tfcert dashboard {text} -->"


def keep_dashboard(
    forge: ProposalForge, *, key: str, title: str, text: str, viewer: str | None
) -> RequestResult:
    """Create or edit the issue, unless a person closed it.

    Of several, the oldest stays; runs that race make two. Where the forge does not tell who the
    token is, nothing is written: somebody else's issue may begin with our line.
    """
    if viewer is None:
        return RequestResult(
            what=_WHAT,
            did="not done: the forge does not tell the user of the token, so its issue cannot be "
            "told from others",
            failed=True,
        )
    line = dashboard_line(key)
    body = f"{line}\n{text}"
    try:
        found = _own(forge, line)
        if not found:
            made = forge.create_issue(title, body)
            opened = [each for each in _own(forge, line) if each.is_open] or [made]
            _close(forge, opened[1:])
            return RequestResult(what=_WHAT, did=f"opened ({opened[0].url})")
        opened = [each for each in found if each.is_open]
        if not opened:
            return RequestResult(
                what=_WHAT, did=f"not touched: a person closed it ({found[0].url})"
            )
        _close(forge, opened[1:])
        first = opened[0]
        if first.body.replace("\r\n", "\n").strip() == body.strip():
            return RequestResult(what=_WHAT, did=f"is current ({first.url})")
        forge.edit_issue(first.number, body)
        return RequestResult(what=_WHAT, did=f"edited ({first.url})")
    except TfcertError as error:
        return RequestResult(what=_WHAT, did=f"not done: {error}", failed=True)


def _own(forge: ProposalForge, line: str) -> list[ForgeIssue]:
    found = [each for each in forge.issues() if each.body.partition("\n")[0].rstrip() == line]
    return sorted(found, key=lambda each: each.number)


def _close(forge: ProposalForge, others: list[ForgeIssue]) -> None:
    for each in others:
        forge.close_issue(each.number)
