"""Which workspace a document belongs to, where something says so.

Source: Terraform, "Workspaces": TF_WORKSPACE wins over the selection, which lies in the file `environment` of the data directory
(`.terraform`, or what TF_DATA_DIR names); the local backend keeps other states in `terraform.tfstate.d/NAME`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from checker.domain.errors import TfcertError
from checker.domain.inventory import Document, OtherWorkspace, SourceKind
from checker.domain.stage import Presents

_DEFAULT = "default"
_STATE = "terraform.tfstate"
_LONGEST = 256
_MOST = 50


def workspace_of(kind: SourceKind, source: str, directory: str, environment: Mapping[str, str]) -> str | None:
    """The workspace of a source with its configuration in `directory`; None where nothing says, or where it is contradicted."""
    selected = _selected(Path(directory), environment)
    match kind:
        case "directory":
            return selected or _DEFAULT
        case "state" if Path(source).name == _STATE:
            folder = Path(source).resolve().parent
            own = folder.name if folder.parent.name == f"{_STATE}.d" else _DEFAULT
            # Beside another selection such a file may be what was pulled of that.
            return own if own != _DEFAULT or selected in {None, _DEFAULT} else None
        case _:
            return selected


def in_default_workspace(directory: str, environment: Mapping[str, str]) -> bool:
    """Whether surely no other workspace is selected in a folder: the state of another one is another file."""
    named = environment.get("TF_WORKSPACE")
    if named:
        return named == _DEFAULT
    data = environment.get("TF_DATA_DIR")
    if data and os.path.lexists(Path(directory, data, "environment")):
        return False
    return not os.path.lexists(Path(directory, ".terraform", "environment"))


def other_workspaces(document: Document, source: str, directory: str) -> tuple[OtherWorkspace, ...]:
    """The workspaces of a configuration whose states lie in its `terraform.tfstate.d`, less the document's own.

    A state that cannot be read is left out: what is judged is the source that was named.
    """
    folder = Path(directory) / f"{_STATE}.d"
    if not folder.is_dir():
        return ()
    # Only here: most configurations have no such folder.
    from checker.readers.documents import read_document
    from checker.readers.files import open_file
    from checker.readers.spot import Spot
    from checker.readers.unwrapping import unwrap

    found: list[OtherWorkspace] = []
    for path in sorted(folder.glob(f"*/{_STATE}"))[:_MOST]:
        name = path.parent.name
        if name == document.workspace or path.resolve() == Path(source).resolve():
            continue
        try:
            other = read_document(str(path), unwrap(open_file(str(path)), Spot(str(path))))
        except TfcertError:
            continue
        blocks = {each.id: each.address.block for each in other.certificates if each.id is not None and each.address is not None}
        shown = {stage.presents.id for stage in other.stages if isinstance(stage.presents, Presents)}
        presented = frozenset(block for identity, block in blocks.items() if identity in shown)
        found.append(OtherWorkspace(name=name, path=str(path), presented=presented))
    return tuple(found)


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
        return _DEFAULT
    except OSError:
        return None
    name = text.decode("utf-8", "replace").strip()
    return name if name and len(name) <= _LONGEST and name.isprintable() else None
