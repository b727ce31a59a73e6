"""Patches for reports (`--patches`), and paths relative to the repository."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from checker.cli.aws import cache_folder
from checker.git import find_repository
from checker.hcl.configuration import Configuration
from checker.hcl.grammar import set_grammar_cache
from checker.model.outcome import Outcome
from checker.model.rotation import WrittenPatch
from checker.patches.patch import PhasePatch
from checker.patches.runbook import REPOSITORY, header
from checker.pipeline import Loaded, preview
from checker.reports.escape import encoded


class RepositoryPaths(Struct, frozen=True, kw_only=True):
    """The root of the repository, or the configuration's folder if there is no repository.

    `where` describes that root in words; `prefix` is the path from it to the configuration.
    """

    top: Path
    where: str
    prefix: str


def repository_paths(configuration: Configuration) -> RepositoryPaths:
    """Find the root of the repository of a configuration."""
    here = Path(configuration.root).resolve()
    top = find_repository(here)
    prefix = os.path.relpath(here, top or here).replace(os.sep, "/")
    where = "the configuration's folder" if top is None else REPOSITORY
    return RepositoryPaths(top=top or here, where=where, prefix="" if prefix == "." else prefix)


def patch_text(entry: PhasePatch, ground: RepositoryPaths) -> bytes:
    """Return a patch with its header of comments, as it is printed and stored."""
    return encoded(header(entry, where=ground.where)) + entry.diff(ground.prefix)


def with_patches(outcome: Outcome, loaded: Loaded) -> Outcome:
    """Add every phase of each due rotation, as `tfcert patch --phase all --out` would write it.

    If several configurations were read, each patch name starts with the configuration's folder.
    """
    cache = cache_folder(os.environ)
    if cache is not None:
        set_grammar_cache(cache)
    found, written = preview(outcome, loaded.configurations)
    patches: list[WrittenPatch] = []
    for configuration, made in written:
        ground = repository_paths(configuration)
        folder = relative_folder(configuration.root) if len(written) > 1 else ""
        patches += (
            WrittenPatch(
                phase=entry.phase,
                file_name=f"{folder}/{entry.file_name}" if folder else entry.file_name,
                diff=patch_text(entry, ground).decode(),
                rotations=tuple(rotation.label for rotation in entry.rotations),
                unmet=entry.unmet,
                folder=folder,
            )
            for entry in made.patches
        )
    return replace(found, patches=tuple(patches))


def relative_folder(directory: str) -> str:
    """Return a folder's path from the current one, with each `..` written as `up`.

    Joined to another folder, the path cannot lead out of it.
    """
    relative = os.path.relpath(directory)
    return "/".join("up" if part == ".." else part for part in Path(relative).parts)
