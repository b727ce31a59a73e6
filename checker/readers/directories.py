"""A directory's state, wherever its backend keeps it: what `state pull` prints there.

Raw state needs no provider and no credentials of one. Source: terraform, docs/cli/commands/state/pull.
"""

from __future__ import annotations

from pathlib import Path

from checker.domain.configuration_files import SUFFIXES
from checker.domain.errors import UnreadableError
from checker.hcl.roots import find_roots
from checker.readers.asking import ask
from checker.readers.backends import backend_of
from checker.readers.files import open_file
from checker.readers.tool import Tool
from checker.readers.workspaces import in_default_workspace

_LOCAL_STATE = "terraform.tfstate"
_HEAD = 4096
_MOST_FOLDERS = 2000
_MOST_NAMED = 5


def pull_state(directory: str, tool: Tool | None, *, offline: bool = False) -> memoryview:
    """The raw state of a directory. `offline` starts no tool where a backend keeps the state, and reads a local one itself.

    Raises UnreadableError for one without configuration, without a tool to ask, or without a state, and for a tool that
    fails: its first error is in the message.
    """
    try:
        names = [entry.name for entry in Path(directory).iterdir()]
    except OSError as error:
        raise UnreadableError(f"cannot be listed: {error.strerror}", where=directory, remedy="check its permissions") from error
    local = str(Path(directory, _LOCAL_STATE)) if _LOCAL_STATE in names else None
    if not any(name.endswith(SUFFIXES) and not name.startswith(".") for name in names):
        raise _without_configuration(directory, local)
    if offline:
        where = backend_of(directory, names)
        if where is not None and tool is not None:
            raise UnreadableError(
                f"its state is kept by a backend, or encrypted ({where}), and --offline contacts and starts none",
                where=directory,
                remedy="pass a state or plan file: `terraform state pull > state.json`, where the backend may be asked",
            )
        if where is None and local is not None and tool is not None and in_default_workspace(directory, tool.environment):
            return open_file(local)
    if tool is None:
        raise UnreadableError(
            "neither terraform nor tofu is there to be asked for the state",
            where=directory,
            remedy=f"install one, name one with --tool, or pass {local or 'a state or plan file'}",
        )
    answer = ask(tool, ("state", "pull"), directory)
    if answer.complaint is not None:
        raise UnreadableError(
            f"`{tool.name} state pull` failed: {answer.complaint}",
            where=directory,
            remedy=f"run `{tool.name} init` there if that was not done yet, or pass a state or plan file"
            + (f"; {tool.name} adds: {answer.details}" if answer.details else ""),
        )
    if not bytes(answer.printed[:_HEAD]).strip():
        raise UnreadableError(
            f"`{tool.name} state pull` prints no state: nothing has been applied there yet",
            where=directory,
            remedy="apply first, or pass a plan; where a backend is configured, check that the workspace is the right one",
        )
    return answer.printed


def _without_configuration(directory: str, local: str | None) -> UnreadableError:
    """Return the error about a folder without configuration, which names the root modules below it."""
    message = "holds no Terraform configuration"
    if local is not None:
        return UnreadableError(message, where=directory, remedy=f"pass {local}")
    below = [root.directory for root in find_roots(directory, most=_MOST_FOLDERS)]
    if not below:
        return UnreadableError(message, where=directory, remedy="pass the directory of a root module, or a plan or state file")
    if len(below) == 1:
        message += f"; below it is the root module {below[0]}"
        return UnreadableError(message, where=directory, remedy="pass it, or pass --recursive to read every root module below")
    more = f" and {len(below) - _MOST_NAMED} more" if len(below) > _MOST_NAMED else ""
    message += f"; below it are the root modules {', '.join(below[:_MOST_NAMED])}{more}"
    return UnreadableError(message, where=directory, remedy="pass one of them, or pass --recursive to read each on its own")
