"""Text from Terraform or AWS made harmless for a terminal and for a log of CI: nothing in it is taken for a command."""

from __future__ import annotations

import re

# `##[group]` of GitHub and Azure, `##vso[...]`, `##teamcity[...]`, anywhere in a line; `::error::` of GitHub where a line begins,
# which after wrapping is wherever a word begins.
_COMMANDS = re.compile(r"##(?=[A-Za-z]*\[)|(?<!\S):(?=:)")


def printable(text: str) -> str:
    """The text with every character that is no plain print, a line end included, written as an escape.

    So is the first character of what a CI system would take for a command in the log. Source: actions/runner, ActionCommand.cs
    (`TryParseV2` wants `::` at the beginning, `TryParse` finds `##[` anywhere); Azure Pipelines, logging commands.
    """
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
            for char in text
        )
    return (
        _COMMANDS.sub(lambda found: f"\\x{ord(found[0][0]):02x}{found[0][1:]}", text)
        if "##" in text or "::" in text
        else text
    )


def encoded(text: str) -> bytes:
    """The text as UTF-8; a byte of a path that is none, which Python keeps as half a character, is written as an escape."""
    return text.encode("utf-8", "backslashreplace")
