"""The repository that a folder lies in."""

from __future__ import annotations

from pathlib import Path


def repository_of(folder: Path) -> Path | None:
    """The root of the repository: the nearest folder, this one or above, that has a `.git`, a folder or a worktree's file."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
