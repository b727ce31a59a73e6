"""`--recursive`: every root module below some folders, each read on its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from checker.cli import output
from checker.cli.loaded import Loaded
from checker.cli.reading import load
from checker.domain.errors import TfcertError, UsageError
from checker.domain.inventory import Inventory, Unread
from checker.domain.value import value
from checker.hcl.roots import Root, Unit, find_roots, find_units
from checker.readers.tool import Wanted

_STATE = "terraform.tfstate"


@value
class Tree:
    """The root modules that were read, by folder, those that could not be, and how many have nothing to do with us."""

    read: tuple[tuple[str, Loaded], ...]
    unread: tuple[Unread, ...]
    unconcerned: int


def read_tree(
    sources: Sequence[str],
    *,
    config: str | None,
    tool: Wanted,
    tags: Collection[str] = (),
    settle: Callable[[str], None] | None = None,
) -> Tree:
    """Find and read every root module at or below the folders.

    Its state is a terraform.tfstate beside it where no backend and no workspace is chosen, else what the tool pulls. One that
    cannot be read does not keep the others from being read. Raises UsageError for a source that is no folder, and where there is
    no root at all.
    """
    if config is not None:
        raise UsageError("each root module is its own configuration", where="--config", remedy="leave it out with --recursive")
    roots = {root.directory: root for source in sources or (".",) for root in _below(source)}
    units = {unit.directory: unit for source in sources or (".",) for unit in find_units(source)}
    if not roots and not units:
        raise UsageError(
            f"no root module at or below {', '.join(sources or ('.',))}",
            where="--recursive",
            remedy="a root module has a backend, a provider block, a lock file or a state; pass its folder without --recursive",
        )
    read: list[tuple[str, Loaded]] = []
    unread: list[Unread] = []
    for root in roots.values():
        if not root.concerned:
            continue
        if root.unreadable is not None:
            unread.append(Unread(path=root.directory, reason=root.unreadable, remedy="check its permissions"))
            continue
        try:
            read.append((root.directory, load((_state(root),), config=root.directory, tool=tool, tags=tags, settle=settle)))
        except TfcertError as error:
            unread.append(Unread(path=root.directory, reason=error.message, remedy=error.remedy or "read it by itself"))
    for unit in units.values():
        if unit.concerned:
            _read_unit(unit, read, unread, tool, tags)
    passed_over = sum(not root.concerned for root in roots.values()) + sum(not unit.concerned for unit in units.values())
    tree = Tree(read=tuple(read), unread=tuple(unread), unconcerned=passed_over)
    _tell_unconcerned(tree)
    return tree


def _read_unit(unit: Unit, read: list[tuple[str, Loaded]], unread: list[Unread], tool: Wanted, tags: Collection[str]) -> None:
    """Read a Terragrunt unit by the state file beside it; Terragrunt itself is never run."""
    state = Path(unit.directory, _STATE)
    try:
        if unit.module is not None and state.is_file():
            read.append((unit.directory, load((str(state),), config=unit.module, tool=tool, tags=tags)))
            return
        where = f" --config {unit.module}" if unit.module is not None else ""
        unread.append(
            Unread(
                path=unit.directory,
                reason="a Terragrunt unit, and its state is no file here",
                remedy=f"run `terragrunt state pull > state.json` in it, then `tfcert check {unit.directory}/state.json{where}`",
            )
        )
    except TfcertError as error:
        unread.append(Unread(path=unit.directory, reason=error.message, remedy=error.remedy or "read it by itself"))


def load_tree(sources: Sequence[str], *, config: str | None, tool: Wanted, tags: Collection[str] = ()) -> Loaded:
    """Every root module below the folders as one: what a check judges, each document by itself."""
    tree = read_tree(sources, config=config, tool=tool, tags=tags)
    documents = tuple(document for _, loaded in tree.read for document in loaded.inventory.documents)
    configurations = tuple(found for _, loaded in tree.read for found in loaded.configurations)
    return Loaded(inventory=Inventory(documents=documents, unread=tree.unread), configurations=configurations)


def _tell_unconcerned(tree: Tree) -> None:
    """Say how many root modules were passed over, and why that is no gap."""
    if tree.unconcerned:
        output.warn(
            f"{tree.unconcerned} of the root modules speak of no stage and no client certificate, "
            "and call no module from elsewhere: their state was not read"
        )


def _below(source: str) -> Iterator[Root]:
    if not Path(source).is_dir():
        raise UsageError("not a folder", where=source, remedy="--recursive takes folders and finds the root modules in them")
    yield from find_roots(source)


def _state(root: Root) -> str:
    """Return the local state of a root module; its folder, which the tool is asked about, where the state may be another one.

    With a backend, or another workspace, such a file is not the state: both ways of `check` then ask the same tool.
    """
    from checker.readers.backends import backend_of
    from checker.readers.workspaces import in_default_workspace

    beside = Path(root.directory, _STATE)
    if root.remote or not beside.is_file() or not in_default_workspace(root.directory, os.environ):
        return root.directory
    return str(beside) if backend_of(root.directory, os.listdir(root.directory)) is None else root.directory  # noqa: PTH208  # names alone
