"""`--patches`: the patches of what is due, for the reports that carry them."""

from __future__ import annotations

import os
from pathlib import Path

from checker.cli.caching import cache_folder
from checker.cli.ground import ground_of, patch_text
from checker.cli.loaded import Loaded
from checker.domain.outcome import Outcome
from checker.domain.value import replace
from checker.domain.written import WrittenPatch
from checker.hcl.structure import keep_grammar_in
from checker.pipeline import preview


def with_patches(outcome: Outcome, loaded: Loaded) -> Outcome:
    """The outcome with every phase of each due rotation written, as `tfcert patch --phase all --out` would.

    Where several configurations were read, the folder of each stands before its patches' names.
    """
    cache = cache_folder(os.environ)
    if cache is not None:
        keep_grammar_in(cache)
    found, written = preview(outcome, loaded.configurations)
    patches: list[WrittenPatch] = []
    for configuration, made in written:
        ground = ground_of(configuration)
        folder = folder_of(configuration.root) if len(written) > 1 else ""
        patches += (
            WrittenPatch(
                phase=entry.phase,
                file_name=f"{folder}/{entry.file_name}" if folder else entry.file_name,
                diff=patch_text(entry, ground).decode(),
                rotations=tuple(rotation.label for rotation in entry.rotations),
                unmet=entry.unmet,
            )
            for entry in made.patches
        )
    return replace(found, patches=tuple(patches))


def folder_of(directory: str) -> str:
    """A folder's path from here, which leads nowhere upwards: a way up is spelt out."""
    relative = os.path.relpath(directory)
    return "/".join("up" if part == ".." else part for part in Path(relative).parts)
