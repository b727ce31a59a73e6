"""Programs that tfcert starts: which file a name means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the absolute path of a program of that name or path; None where there is none.

    Relative entries of PATH, an empty one too, name the current folder: in a checkout they would choose the program.
    """
    from shutil import which

    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    found = which(
        name,
        path=os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
        or os.devnull,
    )
    # The program runs in another directory than this process: a path from here would not lead there.
    return None if found is None else str(Path(found).absolute())
