"""Where a patch is applied: the folder that its paths start from, and its text as it stands there."""

from __future__ import annotations

import os
from pathlib import Path

from checker.domain.value import value
from checker.hcl.configuration import Configuration
from checker.hcl.repository import repository_of
from checker.patches.phase_patch import PhasePatch
from checker.patches.wording import header
from checker.reports.printable import encoded


@value
class Ground:
    """The repository's root, else the configuration's folder; `where` names it in words, `prefix` leads from it to the latter."""

    top: Path
    where: str
    prefix: str


def ground_of(configuration: Configuration) -> Ground:
    """Find the root of the repository that a configuration lies in."""
    here = Path(configuration.root).resolve()
    top = repository_of(here)
    prefix = os.path.relpath(here, top or here).replace(os.sep, "/")
    where = "the configuration's folder" if top is None else "the repository's root"
    return Ground(top=top or here, where=where, prefix="" if prefix == "." else prefix)


def patch_text(entry: PhasePatch, ground: Ground) -> bytes:
    """A patch with its header of comments, as it is printed and stored."""
    return encoded(header(entry, where=ground.where)) + entry.diff(ground.prefix)
