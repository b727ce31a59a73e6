"""Load the sources of a run, with their configuration; find root modules for --recursive."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.cli import output
from checker.errors import TfcertError, UnreadableError, UsageError
from checker.model.configuration_files import JOURNAL, SUFFIXES
from checker.model.inventory import Document, Inventory, Unread
from checker.pipeline import Loaded
from checker.terraform.tool import Wanted

if TYPE_CHECKING:
    from checker.cli.proposals.base_folders import BaseFolders
    from checker.hcl.configuration import Configuration
    from checker.hcl.roots import Root, Unit
    from checker.model.address import Address
    from checker.model.configuration import ConfigurationFacts


# Days are added to dates and subtracted from them, so the calendar's first and last years are
# excluded.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def load(
    sources: Sequence[str],
    *,
    config: str | None,
    tool: Wanted | None,
    fetch: Callable[[str], bytes] | None = None,
    tags: Collection[str] = (),
    settle: Callable[[str], None] | None = None,
    base: BaseFolders | None = None,
) -> Loaded:
    """Read every source with its configuration; raises TfcertError naming the source.

    `fetch` reads a source in a bucket, `tags` names the tags to keep. With `base`, the
    configuration is that of a commit, and the state is the checkout's.

    `settle` is called with each configuration folder before it is read. Without it, a killed write
    there is only reported.
    """
    from checker.terraform.load import read_source
    from checker.terraform.tool import find_tool

    if sources.count("-") > 1:
        raise UsageError(
            "standard input is read once",
            where="-",
            remedy="give - once, and pass the others as files",
        )
    found = find_tool(tool.name, os.environ, tool.passed) if tool is not None else None
    offline = tool is not None and tool.offline
    for folder in dict.fromkeys(
        config if config is not None else _beside(source) for source in sources or (".",)
    ):
        (settle or report_killed)(folder)
    documents: list[Document] = []
    configurations: list[Configuration | None] = []
    for source in sources or (".",):
        directory = config if config is not None else _beside(source)
        beside = _configuration(directory, demanded=config is not None, base=base)
        document = read_source(
            source,
            tool=found,
            stdin=read_stdin,
            configuration=config,
            fetch=fetch,
            tags=tags,
            offline=offline,
            consumers=_consumers(beside[1]) if beside is not None else None,
        )
        configurations.append(beside[0] if beside is not None else None)
        documents.append(
            _placed(document, source, directory, beside[1] if beside is not None else None)
        )
    return Loaded(
        inventory=Inventory(documents=tuple(documents)), configurations=tuple(configurations)
    )


def _consumers(declared: ConfigurationFacts) -> Mapping[Address, frozenset[str]]:
    from checker.terraform.configuration import followed_consumers

    return followed_consumers(declared)


def report_killed(folder: str) -> None:
    """Warn if a `patch --write` in a folder did not end."""
    if os.path.lexists(Path(folder, JOURNAL)):
        output.warn(
            f"{folder}: a `tfcert patch --write` has not ended here, "
            "so its files may be half edited; "
            "the next `tfcert patch` restores them"
        )


def settle_or_report(folder: str) -> None:
    """Undo a killed `patch --write` in a folder and report it; warn if its journal is refused."""
    try:
        settle_killed(folder)
    except UsageError as error:
        output.warn(str(error))


def settle_killed(folder: str) -> None:
    """Undo a killed `patch --write` in a folder and report it.

    Raises UsageError if its journal is refused.
    """
    if not os.path.lexists(Path(folder, JOURNAL)):
        return
    # Imported here: it is seldom needed.
    from checker.cli.write_journal import settle
    from checker.git import find_repository

    real = Path(folder).resolve()
    done = settle(real, within=find_repository(real) or real)
    if done is not None:
        output.warn(done)


def _placed(
    document: Document, source: str, directory: str, declared: ConfigurationFacts | None
) -> Document:
    """Return the document with its configuration, folder and selected workspace."""
    if declared is None and (source == "-" or source.startswith("s3://")):
        return document
    from checker.terraform.load import other_workspaces
    from checker.terraform.workspaces import workspace_of

    placed = replace(
        document,
        declared=declared,
        directory=_home(directory),
        workspace=workspace_of(document.source.kind, source, directory, os.environ),
    )
    return (
        replace(placed, workspaces=other_workspaces(placed, source, directory))
        if declared is not None
        else placed
    )


def _home(directory: str) -> str:
    """Return the absolute path of a folder, by the user's own name inside the repository.

    A link inside the repository belongs to the checkout: if followed, it would choose the scopes by
    directory. Outside the repository, links are followed.
    """
    # Imported here: a document without configuration has no folder.
    from checker.git import find_repository

    # Path.resolve would follow the link.
    plain = Path(os.path.abspath(directory))  # noqa: PTH100 -- see above
    top = find_repository(Path.cwd())
    return (plain if top is not None and plain.is_relative_to(top) else plain.resolve()).as_posix()


def demand_configuration(inventory: Inventory) -> None:
    """Raise UsageError for a plan without configuration, which alone gives the next phase."""
    for document in inventory.documents:
        if document.plan is not None and document.declared is None:
            raise UsageError(
                f"the configuration of {document.source.path} is not at hand, "
                "and it says which phase comes next",
                where="--expect next",
                remedy="name the folder of its .tf files with --config, "
                "or expect one phase by its name",
            )


def parse_as_of(text: str | None) -> datetime:
    """Parse the instant to judge for; raises UsageError.

    It is an RFC 3339 instant, a date (midnight UTC), or now if `text` is None.
    """
    if text is None:
        return datetime.now(UTC)
    from checker.terraform.certificates import read_moment

    instant = read_moment(text)
    if instant is None:
        raise UsageError(
            f"{text!r} is no instant",
            where="--as-of",
            remedy="write 2026-12-01 or 2026-12-01T12:00:00Z",
        )
    if instant.tzinfo is None:
        raise UsageError(
            f"{text!r} names no time zone", where="--as-of", remedy=f"write {text.strip()}Z for UTC"
        )
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise UsageError(
            f"{text!r} is in no year that is judged for",
            where="--as-of",
            remedy="write one of this century",
        )
    return instant


def _beside(source: str) -> str:
    if source == "-" or source.startswith("s3://"):
        return "."
    path = Path(source)
    return str(path if path.is_dir() else path.parent)


def _configuration(
    directory: str, *, demanded: bool, base: BaseFolders | None = None
) -> tuple[Configuration, ConfigurationFacts] | None:
    folder = Path(directory if base is None else base.of(directory))
    remedy = (
        "--config takes the folder of the .tf files"
        if base is None
        else "the base branch does not have it"
    )
    if demanded and not folder.is_dir():
        raise UnreadableError("not a directory", where=directory, remedy=remedy)
    if not any(name.endswith(SUFFIXES) for name in _names(folder, demanded=demanded)):
        if demanded:
            raise UnreadableError("no .tf files here", where=directory, remedy=remedy)
        return None
    if base is not None:
        from checker.terraform.directories import backend_blocks

        if backend_blocks(directory) != backend_blocks(str(folder)):
            raise UnreadableError(
                "the base branch has another backend than this checkout, so its state is another "
                "one",
                where=directory,
                remedy="check out the base branch, and run init",
            )
    # Imported here: without .tf files the parser is not needed.
    from checker.terraform.configuration import read_configuration

    shown = display_prefix(directory) if base is None else base.shown(directory)
    return read_configuration(str(folder), shown)


def display_prefix(directory: str) -> str:
    """Return the path from the current folder to a configuration, to prefix its file names."""
    relative = os.path.relpath(Path(directory).resolve(), Path.cwd())
    return "" if relative == "." else relative.replace(os.sep, "/")


def _names(folder: Path, *, demanded: bool) -> list[str]:
    """Return the names in a folder; none if it cannot be listed, unless `demanded`."""
    try:
        return os.listdir(folder)  # noqa: PTH208 -- only names are needed
    except OSError as error:
        if demanded:
            message = f"cannot be listed: {error.strerror}"
            raise UnreadableError(
                message, where=str(folder), remedy="check its permissions"
            ) from error
        return []


def read_stdin() -> memoryview:
    """Return the bytes of standard input; raises UsageError if it is a terminal."""
    from checker.files import read_stream

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "nothing is piped in", where="-", remedy="pipe a plan or a state into tfcert"
        )
    return read_stream(sys.stdin.buffer, "-")


_STATE = "terraform.tfstate"


class RootModules(Struct, frozen=True, kw_only=True):
    """The root modules that were read, by folder; the unreadable ones; how many were skipped.

    `unconcerned` counts the modules without stages or client certificates.
    """

    read: tuple[tuple[str, Loaded], ...]
    unread: tuple[Unread, ...]
    unconcerned: int


def read_root_modules(
    sources: Sequence[str],
    *,
    config: str | None,
    tool: Wanted,
    tags: Collection[str] = (),
    settle: Callable[[str], None] | None = None,
    base: BaseFolders | None = None,
) -> RootModules:
    """Find and read every root module at or below the folders.

    With `base`, the configuration is that of a commit, and a module of either text counts.

    The state is a terraform.tfstate beside the module if no backend and no workspace is chosen,
    else the output of the tool's `state pull`. A module that cannot be read does not stop the
    others. Raises UsageError for a source that is not a folder, and if there is no root module at
    all.
    """
    from checker.hcl.roots import find_units

    if config is not None:
        raise UsageError(
            "each root module is its own configuration",
            where="--config",
            remedy="leave it out with --recursive",
        )
    roots = {root.directory: root for source in sources or (".",) for root in _below(source)}
    if base is not None:
        roots = base.roots(roots, sources or (".",))
    units = {unit.directory: unit for source in sources or (".",) for unit in find_units(source)}
    if not roots and not units:
        raise UsageError(
            f"no root module at or below {', '.join(sources or ('.',))}",
            where="--recursive",
            remedy="a root module has a backend, a provider block, a lock file or a state; "
            "pass its folder without --recursive",
        )
    read: list[tuple[str, Loaded]] = []
    unread: list[Unread] = []
    for root in roots.values():
        if not root.concerned:
            continue
        if root.unreadable is not None:
            unread.append(
                Unread(path=root.directory, reason=root.unreadable, remedy="check its permissions")
            )
            continue
        try:
            read.append(
                (
                    root.directory,
                    load(
                        (_state(root),),
                        config=root.directory,
                        tool=tool,
                        tags=tags,
                        settle=settle,
                        base=base,
                    ),
                )
            )
        except TfcertError as error:
            unread.append(
                Unread(
                    path=root.directory,
                    reason=error.message,
                    remedy=error.remedy or "read it by itself",
                )
            )
    for unit in units.values():
        if unit.concerned:
            _read_unit(unit, read, unread, tool, tags, base)
    passed_over = sum(not root.concerned for root in roots.values()) + sum(
        not unit.concerned for unit in units.values()
    )
    tree = RootModules(read=tuple(read), unread=tuple(unread), unconcerned=passed_over)
    _report_skipped(tree)
    return tree


def _read_unit(
    unit: Unit,
    read: list[tuple[str, Loaded]],
    unread: list[Unread],
    tool: Wanted,
    tags: Collection[str],
    base: BaseFolders | None,
) -> None:
    """Read a Terragrunt unit by the state file beside it; Terragrunt itself is never run."""
    state = Path(unit.directory, _STATE)
    try:
        if unit.module is not None and state.is_file():
            loaded = load((str(state),), config=unit.module, tool=tool, tags=tags, base=base)
            read.append((unit.directory, loaded))
            return
        where = f" --config {unit.module}" if unit.module is not None else ""
        unread.append(
            Unread(
                path=unit.directory,
                reason="a Terragrunt unit, and its state is no file here",
                remedy="run `terragrunt state pull > state.json` in it, "
                f"then `tfcert check {unit.directory}/state.json{where}`",
            )
        )
    except TfcertError as error:
        unread.append(
            Unread(
                path=unit.directory,
                reason=error.message,
                remedy=error.remedy or "read it by itself",
            )
        )


def load_root_modules(
    sources: Sequence[str], *, config: str | None, tool: Wanted, tags: Collection[str] = ()
) -> Loaded:
    """Read all root modules below the folders as one; `check` judges each document by itself."""
    tree = read_root_modules(sources, config=config, tool=tool, tags=tags)
    documents = tuple(
        document for _, loaded in tree.read for document in loaded.inventory.documents
    )
    configurations = tuple(found for _, loaded in tree.read for found in loaded.configurations)
    return Loaded(
        inventory=Inventory(documents=documents, unread=tree.unread), configurations=configurations
    )


def _report_skipped(tree: RootModules) -> None:
    """Print how many root modules were skipped, and why that is no gap."""
    if tree.unconcerned:
        output.warn(
            f"{tree.unconcerned} of the root modules speak of no stage and no client certificate, "
            "and call no module from elsewhere: their state was not read"
        )


def _below(source: str) -> Iterator[Root]:
    from checker.hcl.roots import find_roots

    if not Path(source).is_dir():
        raise UsageError(
            "not a folder",
            where=source,
            remedy="--recursive takes folders and finds the root modules in them",
        )
    yield from find_roots(source)


def _state(root: Root) -> str:
    """Return the path of a root module's local state, or its folder if the tool must be asked.

    With a backend or another workspace, a local file is not the state. Both ways of `check` then
    ask the same tool.
    """
    from checker.terraform.directories import backend_of
    from checker.terraform.workspaces import in_default_workspace

    beside = Path(root.directory, _STATE)
    if root.remote or not beside.is_file() or not in_default_workspace(root.directory, os.environ):
        return root.directory
    names = os.listdir(root.directory)  # noqa: PTH208 -- only names are needed
    return str(beside) if backend_of(root.directory, names) is None else root.directory
