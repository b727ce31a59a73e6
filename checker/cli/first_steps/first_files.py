"""Write the files of `tfcert init`, where they are not there yet; no file is ever changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from checker.cli.atomic_write import write_error
from checker.cli.first_steps.forge_workflows import GATES, WorkflowForge, read_gate
from checker.errors import UsageError
from checker.git import find_repository

_POLICY = "tfcert.toml"


def find_top(folder: Path) -> Path:
    """Return the root of the repository of a folder, or the folder itself outside of one."""
    real = folder.resolve()
    return find_repository(real) or real


def write_policy(folder: Path, top: Path) -> Iterator[str]:
    """Write the policy, unless there is one here or above; yield the line about it."""
    real = folder.resolve()
    found = next((each for each in (real, *real.parents) if os.path.lexists(each / _POLICY)), None)
    if found is not None:
        yield f"{_shown(found / _POLICY)}: there already, and the policy here; not changed"
        return
    text = files("checker.cli.first_steps").joinpath(f"templates/{_POLICY}").read_bytes()
    create(real / _POLICY, text, within=top)
    yield (
        f"{_shown(real / _POLICY)}: written; each value is explained in it, and all are the "
        "defaults"
    )


def write_gate(forge: WorkflowForge, top: Path, folder: Path) -> Iterator[str]:
    """Write the gate of a forge; yield the lines about it and about what is left to do.

    `folder` is the one of the root module.
    """
    gate = GATES[forge]
    target = top / gate.target
    if not create(target, read_gate(gate), within=top):
        yield f"{_shown(target)}: there already; not changed"
        return
    yield f"{_shown(target)}: written, the same as docs/gates/{gate.template}; left to do:"
    yield from (f"  - {step}" for step in gate.steps)
    below = os.path.relpath(folder.resolve(), top)
    if below != ".":
        yield f"  - {gate.below.replace('{}', below)}"


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def create(target: Path, text: bytes, *, within: Path) -> bool:
    """Write a new file, with the folders above it; return False if the name is taken.

    A link of that name, also a broken one, is taken. Raises UsageError if a link in the path leads
    out of `within`, or if the file cannot be written; then no part of it is left.
    """
    top, folder = within.resolve(), target.parent.resolve()
    if not folder.is_relative_to(top) or folder.is_relative_to(top / ".git"):
        raise UsageError(
            f"leads to {folder}, outside of {top}",
            where=str(target.parent),
            remedy="nothing was written there; remove the link",
        )
    if os.path.lexists(target):
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # O_EXCL: a file or a link that appears meanwhile is not followed and not replaced.
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError as error:
        if os.path.lexists(target):
            return False
        raise write_error(error, target) from error
    except OSError as error:
        raise write_error(error, target) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise write_error(error, target) from error
        raise
    return True
