"""A configuration laid aside, so that a tool may work on it without touching the one that people use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from checker.domain.configuration_files import SUFFIXES
from checker.hcl.configuration import Configuration

_DATA = ".terraform"
_LOCK = ".terraform.lock.hcl"


def lay_aside(configuration: Configuration, aside: Path, *, top: Path) -> Path:
    """Lay the folders of a configuration out below `aside` as they lie below `top`; the result is the root module's folder.

    Its .tf files are copied, everything else in between is a link to what is there: a configuration may read any file of its
    repository. State, plans and what the tool keeps for itself stay away, but for modules that were downloaded.
    """
    root = Path(configuration.root).resolve()
    real = {Path(os.path.normpath(root / module.directory)) for module in configuration.modules.values()}
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
        if entry in made or entry.name.startswith(".terraform") or ".tfstate" in entry.name or entry.suffix == ".tfplan":
            continue
        if own and entry.name.endswith(SUFFIXES) and entry.is_file():
            shutil.copyfile(entry, there / entry.name)
        else:
            (there / entry.name).symlink_to(entry)
