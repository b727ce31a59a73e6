"""The terraform or tofu that is asked for a directory's state, and for what a binary plan holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from checker.domain.errors import UsageError
from checker.domain.value import value

_KNOWN = ("terraform", "tofu")
_CHOICE = "TFCERT_TOOL"


@value
class Tool:
    """A terraform or tofu: its file, how messages call it, and the environment that it runs in, which may hold secrets."""

    path: str
    name: str
    environment: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Tool(path={self.path!r})"  # never the environment


def find_tool(name: str | None, environment: Mapping[str, str]) -> Tool | None:
    """The tool of that name or path, else of TFCERT_TOOL, else the terraform or the tofu that is on PATH.

    None where none was asked for and none is there. Raises UsageError for one that was asked for and is not there.
    """
    from shutil import which

    asked = name or environment.get(_CHOICE)
    for candidate in (asked,) if asked else _KNOWN:
        found = which(candidate, path=environment.get("PATH", os.defpath))
        if found:
            # The tool runs in another directory than this process: a path from here would not lead there.
            return Tool(path=str(Path(found).absolute()), name=Path(found).name, environment=environment)
    if asked:
        raise UsageError(
            f"{asked} is not a program that can be run",
            where="--tool" if name else _CHOICE,
            remedy="name terraform or tofu, or the path of one",
        )
    return None
