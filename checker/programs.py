"""Find the programs that tfcert starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def absolute_entries(path: str) -> str:
    """Return a PATH without relative and empty entries: they name folders of a checkout."""
    kept = (folder for folder in path.split(os.pathsep) if Path(folder).is_absolute())
    # An empty PATH is the current folder.
    return os.pathsep.join(kept) or os.devnull


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the absolute path of the program with this name or path; None if there is none.

    Relative and empty entries of PATH are skipped: they name the current folder, so the files of a
    checkout could choose the program.
    """
    from shutil import which

    found = which(name, path=absolute_entries(environment.get("PATH", os.defpath)))
    # The program runs in another directory than this process, so a relative path would be wrong.
    return None if found is None else str(Path(found).absolute())
