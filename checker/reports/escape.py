"""Make text from Terraform or AWS harmless for a terminal and for CI logs.

No part of it is read as a command.
"""

from __future__ import annotations

import re

# `##[group]` of GitHub and Azure, `##vso[...]`, `##teamcity[...]`, anywhere in a line. `::error::`
# of GitHub at the beginning of a line, which after wrapping is the beginning of any word.
_COMMANDS = r"##(?=[A-Za-z]*\[)|(?<!\S):(?=:)"


def printable(text: str) -> str:
    """Return the text with escapes for all characters that are not printable, line ends included.

    The first character of a CI command is escaped too. Source: actions/runner, ActionCommand.cs
    (`TryParseV2` wants `::` at the beginning, `TryParse` finds `##[` anywhere); Azure Pipelines,
    logging commands.
    """
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
            for char in text
        )
    return (
        re.sub(_COMMANDS, lambda found: f"\\x{ord(found[0][0]):02x}{found[0][1:]}", text)
        if "##" in text or "::" in text
        else text
    )


def bounded(text: str, longest: int) -> str:
    """Return the text as `printable` writes it, in at most so many characters.

    A longer one keeps its beginning and gets a hash of the whole.
    """
    plain = printable(text)
    if len(plain) <= longest:
        return plain
    # Imported here: most reports have no limit.
    from hashlib import sha256

    return f"{plain[: longest - 17]}~{sha256(plain.encode()).hexdigest()[:16]}"


def encoded(text: str) -> bytes:
    """Encode the text as UTF-8; lone surrogates (undecodable bytes of a path) become escapes."""
    return text.encode("utf-8", "backslashreplace")
