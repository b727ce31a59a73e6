"""Run `terraform validate` on a copy of the patched configuration."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from checker.cli import output
from checker.errors import UnprovenError, UnreadableError, UsageError
from checker.hcl.configuration import Configuration
from checker.model.configuration_files import SUFFIXES
from checker.patches.patch import Patches, PhasePatch
from checker.reports.escape import printable
from checker.terraform.tool import Tool, ToolAnswer, Wanted, find_tool, run_tool

_DATA = ".terraform"
_LOCK = ".terraform.lock.hcl"


def copy_configuration(configuration: Configuration, aside: Path, *, top: Path) -> Path:
    """Copy the folders of a configuration below `aside`, as they are below `top`.

    Return the root module's folder. The .tf files are copied; every other file on the way is a link
    to the original, since a configuration may read any file of its repository. State, plans and the
    tool's own files are left out, except downloaded modules.
    """
    root = Path(configuration.root).resolve()
    real = {
        Path(os.path.normpath(root / module.directory)) for module in configuration.modules.values()
    }
    top = Path(os.path.commonpath([top.resolve(), *real]))
    made: set[Path] = {top}
    for folder in real:
        made.update(above for above in (folder, *folder.parents) if above.is_relative_to(top))
    for folder in sorted(made):
        (aside / "copy" / folder.relative_to(top)).mkdir(parents=True, exist_ok=True)
        _fill(folder, aside / "copy" / folder.relative_to(top), made, own=folder in real)
    there = aside / "copy" / root.relative_to(top)
    if (root / _LOCK).is_file():
        shutil.copyfile(root / _LOCK, there / _LOCK)
    if (root / _DATA / "modules").is_dir():
        shutil.copytree(root / _DATA / "modules", there / _DATA / "modules", symlinks=True)
    return there


def _fill(folder: Path, there: Path, made: set[Path], *, own: bool) -> None:
    for entry in sorted(folder.iterdir()):
        if (
            entry in made
            or entry.name.startswith(".terraform")
            or ".tfstate" in entry.name
            or entry.suffix == ".tfplan"
        ):
            continue
        if own and entry.name.endswith(SUFFIXES) and entry.is_file():
            shutil.copyfile(entry, there / entry.name)
        else:
            (there / entry.name).symlink_to(entry)


_SECONDS = 300.0
_NOTHING = "nothing was written"
# These lead the tool back to the original folder, or add arguments to its commands.
_MISLEADS = ("TF_DATA_DIR", "TF_WORKSPACE", "TF_CLI_ARGS")


def verify(
    configuration: Configuration, patches: tuple[PhasePatch, ...], tool: Tool, *, top: Path
) -> None:
    """Validate the result of each phase with the tool, and check the format of inserted text.

    The configuration is copied and initialised there without its backend. `top` is the repository's
    root; files that the configuration may refer to are linked. Raises UnprovenError with the tool's
    first error; then nothing may be written.
    """
    if not patches:
        return
    environment = {
        name: text for name, text in tool.environment.items() if not name.startswith(_MISLEADS)
    }
    alone = replace(tool, environment=environment)
    with tempfile.TemporaryDirectory(prefix="tfcert-verify-") as aside:
        root = copy_configuration(configuration, Path(aside), top=top)
        _initialise(configuration, alone, root)
        for entry in patches:
            placed = _place(root, entry)
            complaint = _invalid(alone, root)
            for path, text in placed.items():
                _restore(path, text)
            if complaint is not None:
                before = _invalid(alone, root)
                raise UnprovenError(
                    f"`{tool.name} validate` refuses what {entry.phase} leaves: {complaint}",
                    where=configuration.root,
                    remedy=f"{_NOTHING}; "
                    + (
                        "it is refused before the edit too: mend that first"
                        if before
                        else "please report this, with the block that it names"
                    ),
                )
            _check_formatting(entry, alone, Path(aside, "form", str(entry.phase)))


def _initialise(configuration: Configuration, tool: Tool, root: Path) -> None:
    arguments = ("init", "-backend=false", "-input=false", "-no-color")
    providers = Path(configuration.root, ".terraform", "providers").resolve()
    answer = None
    if providers.is_dir():
        # The installed providers are reused; nothing is downloaded, and nothing is written there.
        answer = run_tool(
            tool, (*arguments, f"-plugin-dir={providers}"), str(root), seconds=_SECONDS
        )
    if answer is None or answer.complaint is not None:
        answer = run_tool(tool, arguments, str(root), seconds=_SECONDS)
    if answer.complaint is not None:
        raise UnprovenError(
            f"`{tool.name} init -backend=false` fails on a copy of the configuration: "
            f"{answer.complaint}",
            where=configuration.root,
            remedy=f"{_NOTHING}; run it there yourself, or leave --verify out",
        )


def _place(root: Path, entry: PhasePatch) -> dict[Path, bytes | None]:
    """Write the phase's text into the copy; return the earlier content."""
    before: dict[Path, bytes | None] = {}
    for name, text in entry.leaves.items():
        path = Path(os.path.normpath(root / name))
        before[path] = path.read_bytes() if path.exists() else None
        _restore(path, text)
    return before


def _restore(path: Path, text: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_bytes(text)


def _invalid(tool: Tool, root: Path) -> str | None:
    answer = run_tool(tool, ("validate", "-json", "-no-color"), str(root), seconds=_SECONDS)
    try:
        errors = list(_errors(answer))
    except (ValueError, TypeError, AttributeError) as error:
        raise UnreadableError(
            f"`{tool.name} validate -json` prints no report", remedy=_NOTHING
        ) from error
    return errors[0] if errors else answer.complaint


def _errors(answer: ToolAnswer) -> Iterator[str]:
    for found in json.loads(bytes(answer.printed)).get("diagnostics", ()):
        if found.get("severity") == "error":
            place = found.get("range") or {}
            line = (place.get("start") or {}).get("line")
            yield f"{found.get('summary')}" + (f" ({place.get('filename')}:{line})" if line else "")


def _check_formatting(entry: PhasePatch, tool: Tool, folder: Path) -> None:
    """Raise UnprovenError for a file that had the tool's format only before the edit."""
    names: dict[str, str] = {}
    for number, change in enumerate(entry.changes):
        for kind, text in (("before", change.before), ("after", change.after)):
            if text is not None:
                path = folder / f"{kind}{number}.tf"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
                names[path.name] = change.path
    answer = run_tool(
        tool, ("fmt", "-check", "-list=true", "-no-color"), str(folder), seconds=_SECONDS
    )
    odd = {line.strip() for line in bytes(answer.printed).decode("utf-8", "replace").splitlines()}
    for name in sorted(odd):
        if name.startswith("after") and name.replace("after", "before") not in odd:
            raise UnprovenError(
                f"`{tool.name} fmt` would write what {entry.phase} inserts in another way",
                where=names[name],
                remedy=f"{_NOTHING}; please report this, with the block that is rotated",
            )


def edits_are_valid(configuration: Configuration, patches: Patches, tool: Tool, top: Path) -> bool:
    """Return whether the tool validates the result of every phase; print the result."""
    try:
        verify(configuration, patches.patches, tool, top=top)
    except (UnprovenError, UnreadableError) as error:
        output.write(f"# not verified: {printable(str(error))}\n".encode())
        return False
    if patches.patches:
        phases = ", ".join(str(entry.phase) for entry in patches.patches)
        output.write(f"# verified with {tool.name} on a copy: {phases}\n".encode())
    return True


def find_verifier(wanted: Wanted) -> Tool:
    """Return the tool for --verify; raises UsageError if there is none."""
    found = find_tool(wanted.name, os.environ, wanted.passed)
    if found is None:
        raise UsageError(
            "no terraform and no tofu on PATH",
            where="--verify",
            remedy="install one, or name one with --tool",
        )
    return found
