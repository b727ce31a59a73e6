"""The states of other workspaces of a configuration, as Terraform's local backend keeps them beside it."""

from __future__ import annotations

from pathlib import Path

from checker.domain.errors import TfcertError
from checker.domain.inventory import Document, OtherWorkspace
from checker.domain.stage import Presents
from checker.readers.workspaces import DEFAULT, STATE

_MOST = 50


def other_workspaces(document: Document, source: str, directory: str) -> tuple[OtherWorkspace, ...]:
    """Return the other workspaces of a configuration whose states are in its folder, where it has a `terraform.tfstate.d`.

    The state of the default workspace counts where the document is of another one. A state that cannot be read has the reason.
    """
    folder = Path(directory) / f"{STATE}.d"
    if not folder.is_dir():
        return ()
    default = Path(directory) / STATE
    paths = sorted(folder.glob(f"*/{STATE}"))
    named = [(path.parent.name, path) for path in paths[:_MOST]]
    if document.workspace not in {None, DEFAULT} and default.is_file():
        named.append((DEFAULT, default))
    others = [_read(name, path) for name, path in named if name != document.workspace and path.resolve() != Path(source).resolve()]
    if len(paths) > _MOST:
        more = f"{len(paths) - _MOST} more"
        others.append(OtherWorkspace(name=more, path=str(folder), unread=f"only the first {_MOST} states are read"))
    return tuple(others)


def _read(name: str, path: Path) -> OtherWorkspace:
    # Only here: most configurations have no such folder.
    from checker.readers.documents import read_document
    from checker.readers.files import open_file
    from checker.readers.spot import Spot
    from checker.readers.unwrapping import unwrap

    try:
        other = read_document(str(path), unwrap(open_file(str(path)), Spot(str(path))))
    except TfcertError as error:
        return OtherWorkspace(name=name, path=str(path), unread=error.message)
    blocks = {each.id: each.address.block for each in other.certificates if each.id is not None and each.address is not None}
    shown = {stage.presents.id for stage in other.stages if isinstance(stage.presents, Presents)}
    presented = frozenset(block for identity, block in blocks.items() if identity in shown)
    return OtherWorkspace(name=name, path=str(path), presented=presented)
