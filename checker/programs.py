"""Find the programs that tfcert starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the absolute path of the program with this name or path; None if there is none.

    Relative and empty entries of PATH are skipped: they name the current folder, so the files of a
    checkout could choose the program.
    """
    from shutil import which

    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    found = which(
        name,
        path=os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
        or os.devnull,
    )
    # The program runs in another directory than this process, so a relative path would be wrong.
    return None if found is None else str(Path(found).absolute())
