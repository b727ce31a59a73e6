"""Findings as annotations of GitHub Actions, for a pull request that no comment can be written on.

Source: GitHub, "Workflow commands for GitHub Actions", "Setting an error message".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.domain.outcome import UNVERIFIED
from checker.reports.account_masks import NamedAccounts, mask_accounts
from checker.reports.document import JsonFinding
from checker.reports.github import attribute, data
from checker.reports.printable import printable

# GitHub shows ten of a kind for a step, and passes over the rest in silence.
_MOST = 9
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def workflow_commands(documents: Sequence[NamedAccounts], *, masked: bool = False) -> Iterator[str]:
    """A workflow command for each finding that counts, the gravest first; how many are left out is the last."""
    held = mask_accounts(documents) if masked else documents
    found = [(each.name, one) for each in held for one in each.document["findings"] if one["suppression"] is None]
    for command in ("error", "warning", "notice"):
        those = [(name, one) for name, one in found if _command(one) == command]
        for name, one in those[:_MOST]:
            text = "{message}. To do: {remedy}".format(**one)
            yield f"::{command} {_properties(name, one)}::{data(printable(text))}"
        if len(those) > _MOST:
            yield f"::{command} title=tfcert::and {len(those) - _MOST} more {command}s, in the JSON"


def _command(one: JsonFinding) -> str:
    # What could not be verified fails a step as an error does.
    return "error" if one["rule"] == UNVERIFIED else _COMMANDS[one["severity"]]


def _properties(name: str, one: JsonFinding) -> str:
    where = one["location"]
    place = {"file": where["file"], "line": str(where["line"])} if where is not None else {}
    title = " ".join(filter(None, (name, one["rule"], one["address"])))
    return ",".join(f"{key}={attribute(text)}" for key, text in {**place, "title": title}.items())
