"""Find the workspace of a document, if there is evidence for it.

Source: Terraform, "Workspaces". TF_WORKSPACE takes precedence over the selection, which is in the
file `environment` of the data directory (`.terraform`, or the directory in TF_DATA_DIR). The local
backend keeps other states in `terraform.tfstate.d/NAME`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from checker.model.inventory import SourceKind

DEFAULT = "default"
STATE = "terraform.tfstate"
_LONGEST = 256


def workspace_of(
    kind: SourceKind, source: str, directory: str, environment: Mapping[str, str]
) -> str | None:
    """Return the workspace of a source with its configuration in `directory`.

    Returns None without evidence, or with contradictory evidence.
    """
    selected = _selected(Path(directory), environment)
    match kind:
        case "directory":
            return selected or DEFAULT
        case "state" if Path(source).name == STATE:
            folder = Path(source).resolve().parent
            own = folder.name if folder.parent.name == f"{STATE}.d" else DEFAULT
            # If another workspace is selected, such a file may be its pulled state.
            return own if own != DEFAULT or selected in {None, DEFAULT} else None
        case _:
            return selected


def in_default_workspace(directory: str, environment: Mapping[str, str]) -> bool:
    """Return whether certainly no other workspace is selected in a folder.

    The state of another workspace is in another file.
    """
    named = environment.get("TF_WORKSPACE")
    if named:
        return named == DEFAULT
    data = environment.get("TF_DATA_DIR")
    if data and os.path.lexists(Path(directory, data, "environment")):
        return False
    return not os.path.lexists(Path(directory, ".terraform", "environment"))


def _selected(directory: Path, environment: Mapping[str, str]) -> str | None:
    named = environment.get("TF_WORKSPACE")
    if named:
        return named
    data = directory / (environment.get("TF_DATA_DIR") or ".terraform")
    try:
        if not data.is_dir():
            return None
        with (data / "environment").open("rb") as stream:
            text = stream.read(_LONGEST + 1)
    except FileNotFoundError:
        return DEFAULT
    except OSError:
        return None
    name = text.decode("utf-8", "replace").strip()
    return name if name and len(name) <= _LONGEST and name.isprintable() else None
