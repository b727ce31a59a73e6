"""The addresses that the .tf files of a folder declare, for a shell that completes one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from checker.errors import TfcertError

# What an address without quotes has; a shell does nothing with any of it.
_PLAIN = re.compile(r"[\w.-]+")


def declared_addresses(kind: str, words: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of the certificates or the stages that a command line is about.

    `words` are those of the command line so far. They name the folder: that of --config, else the
    first word that is a folder, else the current one. A folder that cannot be read has no address.
    No tool is started, and no state is read.
    """
    from checker.terraform.configuration import read_configuration

    try:
        found = read_configuration(_folder(words), "")
    except (TfcertError, OSError):
        return ()
    if found is None:
        return ()
    _, declared = found
    blocks = (
        [each.block for each in declared.stages]
        if kind == "stages"
        else [each.block for each in declared.certificates]
    )
    return tuple(sorted({str(block) for block in blocks if _PLAIN.fullmatch(str(block))}))


def _folder(words: Sequence[str]) -> str:
    for number, word in enumerate(words):
        if word == "--config":
            # bash gives `=` as a word of its own.
            following = [each for each in words[number + 1 : number + 3] if each != "="]
            return following[0] if following else "."
        if word.startswith("--config="):
            return word.partition("=")[2]
    # The first word is the command.
    return next((word for word in words[1:] if word and Path(word).is_dir()), ".")
