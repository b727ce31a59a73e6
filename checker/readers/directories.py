"""A directory's state, wherever its backend keeps it: what `state pull` prints there.

Raw state needs no provider and no credentials of one. Source: terraform, docs/cli/commands/state/pull.
"""

from __future__ import annotations

import os
from pathlib import Path

from checker.domain.configuration_files import SUFFIXES
from checker.domain.errors import UnreadableError
from checker.readers.asking import ask
from checker.readers.backends import backend_of
from checker.readers.files import open_file
from checker.readers.tool import Tool

_LOCAL_STATE = "terraform.tfstate"
_HEAD = 4096


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
        raise UnreadableError(
            "holds no Terraform configuration",
            where=directory,
            remedy=f"pass {local}" if local else "pass the directory of a root module, or a plan or state file",
        )
    if offline:
        where = backend_of(directory, names)
        if where is not None and tool is not None:
            raise UnreadableError(
                f"its state is kept by a backend ({where}), and --offline contacts none",
                where=directory,
                remedy="pass a state or plan file: `terraform state pull > state.json`, where the backend may be asked",
            )
        if where is None and local is not None and tool is not None and _is_default(directory, tool):
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


def _is_default(directory: str, tool: Tool | None) -> bool:
    """Whether no other workspace than the default one is selected there, whose state is another file."""
    named = tool.environment.get("TF_WORKSPACE") if tool is not None else None
    return named in {None, "", "default"} and not os.path.lexists(Path(directory, ".terraform", "environment"))
