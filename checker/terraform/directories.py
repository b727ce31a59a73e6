"""Pull the state of a directory and show binary plans, without a backend where offline."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from checker.errors import UnreadableError
from checker.files import open_file
from checker.hcl.roots import find_roots
from checker.hcl.syntax import SourceFile
from checker.model.configuration_files import JSON, SUFFIXES
from checker.terraform.decode import Buffer, JsonPath
from checker.terraform.tool import Tool, run_tool
from checker.terraform.workspaces import in_default_workspace

# OpenTofu runs the command of a `key_provider "external"` before it reads a state. Source:
# OpenTofu, "State and Plan Encryption".
_BLOCKS = frozenset({"backend", "cloud", "encryption"})
_WORDS = re.compile(rb"\b(?:backend|cloud|encryption)\b")
_LARGEST = 64 * 1024**2


def backend_of(directory: str, names: Iterable[str]) -> str | None:
    """Return the file that names, or may name, a backend, HCP Terraform or encryption.

    Return None only if the state is certainly a plain local one. A file that cannot be read or
    parsed may name a backend. Source: Terraform, "Backend block configuration": the block is in a
    `terraform` block of any file of the root module.
    """
    for name in sorted(names):
        if name.startswith(".") or not name.endswith(SUFFIXES):
            continue
        try:
            data = bytes(open_file(str(Path(directory, name)), most=_LARGEST))
        except UnreadableError:
            return name
        if _in_json(data) if name.endswith(JSON) else _in_native(name, data):
            return name
    return ".terraform/terraform.tfstate" if _is_initialised(directory) else None


def backend_blocks(directory: str) -> tuple[str, ...]:
    """Return the backend and cloud blocks of a folder as text, in the order of their files.

    A file in which they cannot be told apart from other text is returned whole.
    """
    found: list[str] = []
    for path in sorted(Path(directory).iterdir()) if Path(directory).is_dir() else ():
        if path.name.startswith(".") or not path.name.endswith(SUFFIXES):
            continue
        try:
            data = bytes(open_file(str(path), most=_LARGEST))
        except UnreadableError as error:
            found.append(error.message)
            continue
        found += _json_blocks(data) if path.name.endswith(JSON) else _native_blocks(path.name, data)
    return tuple(found)


def _native_blocks(name: str, data: bytes) -> list[str]:
    if not _WORDS.search(data):
        return []
    file = SourceFile(name, data)
    try:
        return [
            data[inner.span.start : inner.span.end].decode("utf-8", "replace")
            for block in file.body.blocks
            if block.type == "terraform"
            for inner in block.body.blocks
            if inner.type in _BLOCKS
        ]
    except (UnreadableError, RecursionError):
        return [data.decode("utf-8", "replace")]


def _json_blocks(data: bytes) -> list[str]:
    if not _WORDS.search(data):
        return []
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return [data.decode("utf-8", "replace")]
    return [
        json.dumps(table[key], sort_keys=True)
        for table in _tables(found, "terraform")
        for key in sorted(_BLOCKS & table.keys())
    ]


def _in_native(name: str, data: bytes) -> bool:
    # An HCL identifier has no escapes: without these words there is no such block.
    if not _WORDS.search(data):
        return False
    file = SourceFile(name, data)
    try:
        blocks = file.body.blocks
    except (UnreadableError, RecursionError):
        return True
    return any(
        inner.type in _BLOCKS
        for block in blocks
        if block.type == "terraform"
        for inner in block.body.blocks
    )


def _in_json(data: bytes) -> bool:
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return True
    return any(not _BLOCKS.isdisjoint(table) for table in _tables(found, "terraform"))


def _tables(found: object, key: str) -> list[dict[str, object]]:
    """Return the objects under a key; JSON has them directly or in arrays."""
    waiting = [each.get(key) for each in _objects(found)]
    return [each for value in waiting for each in _objects(value)]


def _objects(found: object) -> list[dict[str, object]]:
    waiting, objects = [found], []
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            objects.append(each)
    return objects


def _is_initialised(directory: str) -> bool:
    """Return whether `init` has recorded a backend in the directory's own folder."""
    file = Path(directory, ".terraform", "terraform.tfstate")
    try:
        noted = json.loads(bytes(open_file(str(file), most=_LARGEST)))
    except UnreadableError as error:
        return not isinstance(error.__cause__, FileNotFoundError)
    except (ValueError, RecursionError):
        return True
    return bool(noted.get("backend")) if isinstance(noted, dict) else True


_LOCAL_STATE = "terraform.tfstate"
_HEAD = 4096
_MOST_FOLDERS = 2000
_MOST_NAMED = 5


def pull_state(directory: str, tool: Tool | None, *, offline: bool = False) -> memoryview:
    """Return the raw state of a directory.

    With `offline`, no tool is started for a state in a backend, and a local state is read directly.

    Raises UnreadableError if there is no configuration, no tool or no state, and if the tool fails.
    The message contains the tool's first error.
    """
    try:
        names = [entry.name for entry in Path(directory).iterdir()]
    except OSError as error:
        raise UnreadableError(
            f"cannot be listed: {error.strerror}", where=directory, remedy="check its permissions"
        ) from error
    local = str(Path(directory, _LOCAL_STATE)) if _LOCAL_STATE in names else None
    if not any(name.endswith(SUFFIXES) and not name.startswith(".") for name in names):
        raise _without_configuration(directory, local)
    if tool is None:
        raise UnreadableError(
            "neither terraform nor tofu was found to pull the state",
            where=directory,
            remedy=f"install one, name one with --tool, or pass {local or 'a state or plan file'}",
        )
    if offline:
        _check_no_backend(directory, names)
        if local is not None and in_default_workspace(directory, tool.environment):
            return open_file(local)
    return _pull(directory, tool)


def _check_no_backend(directory: str, names: Iterable[str]) -> None:
    """Raise UnreadableError for a state in a backend or an encrypted one."""
    where = backend_of(directory, names)
    if where is not None:
        raise UnreadableError(
            f"its state is in a backend or encrypted ({where}), and --offline contacts no backend",
            where=directory,
            remedy="pass a state or plan file: `terraform state pull > state.json`, where the "
            "backend can be reached",
        )


def _pull(directory: str, tool: Tool) -> memoryview:
    answer = run_tool(tool, ("state", "pull"), directory)
    if answer.complaint is not None:
        raise UnreadableError(
            f"`{tool.name} state pull` failed: {answer.complaint}",
            where=directory,
            remedy=f"run `{tool.name} init` there if it was not initialized, or pass a state or "
            "plan file" + (f"; {tool.name} adds: {answer.details}" if answer.details else ""),
        )
    if not bytes(answer.printed[:_HEAD]).strip():
        raise UnreadableError(
            f"`{tool.name} state pull` prints no state: nothing has been applied there yet",
            where=directory,
            remedy="apply first, or pass a plan; where a backend is configured, check that the "
            "workspace is the right one",
        )
    return answer.printed


def _without_configuration(directory: str, local: str | None) -> UnreadableError:
    """Return the error about a folder without configuration; it names the root modules below it."""
    message = "has no Terraform configuration"
    if local is not None:
        return UnreadableError(message, where=directory, remedy=f"pass {local}")
    below = [root.directory for root in find_roots(directory, most=_MOST_FOLDERS)]
    if not below:
        return UnreadableError(
            message,
            where=directory,
            remedy="pass the directory of a root module, or a plan or state file",
        )
    if len(below) == 1:
        message += f"; below it is the root module {below[0]}"
        return UnreadableError(
            message,
            where=directory,
            remedy="pass it, or pass --recursive to read every root module below",
        )
    more = f" and {len(below) - _MOST_NAMED} more" if len(below) > _MOST_NAMED else ""
    message += f"; below it are the root modules {', '.join(below[:_MOST_NAMED])}{more}"
    return UnreadableError(
        message,
        where=directory,
        remedy="pass one of them, or pass --recursive to read each on its own",
    )


_PLAN = "tfplan"
_MOST_MEMBERS = 100_000
_LARGEST_BINARY_PLANS = 2 * 1024**3


def show_plan(path: str, data: Buffer, tool: Tool | None, directory: str | None) -> memoryview:
    """Return the JSON of a binary plan, as `show -json` prints it in the configuration's directory.

    `directory` defaults to the directory of the plan. Raises UnreadableError for a zip that is not
    a plan, for a missing tool, and for a tool that fails.
    """
    _check(data, JsonPath(path))
    if tool is None:
        raise UnreadableError(
            "is a binary plan, and neither terraform nor tofu was found to read it",
            where=path,
            remedy="install one, name one with --tool, or pass what `terraform show -json` prints "
            "of it",
        )
    file = Path(path).absolute()
    answer = run_tool(tool, ("show", "-json", str(file)), directory or str(file.parent))
    if answer.complaint is not None:
        raise UnreadableError(
            f"`{tool.name} show -json` cannot read this plan: "
            f"{': '.join(filter(None, (answer.complaint, answer.details)))}",
            where=path,
            remedy="it needs the tool that made it, in the directory where it was made, after "
            "`init`; name that with --config",
        )
    return answer.printed


def _check(data: Buffer, json_path: JsonPath) -> None:
    """Check the zip before the tool reads it, because the tool unpacks all its contents."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise json_path.unreadable(
            "is a broken zip", "plan again: a binary plan is cut short or damaged"
        ) from error
    if all(member.filename != _PLAN for member in members):
        raise json_path.unreadable("is a zip, but not a Terraform plan", "pass a plan or a state")
    if (
        len(members) > _MOST_MEMBERS
        or sum(member.file_size for member in members) > _LARGEST_BINARY_PLANS
    ):
        raise json_path.unreadable("is a zip that unpacks to far more than any plan")
