"""The repository that a run stands in."""

from __future__ import annotations

from pathlib import Path

from checker.domain.checkout import Checkout


def repository_of(folder: Path) -> Path | None:
    """The root of the repository that a folder lies in: the nearest that has a `.git`, a folder or a worktree's file."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def checkout() -> Checkout:
    """The repository's root and the way from it to here; here itself where there is no repository."""
    here = Path.cwd()
    root = repository_of(here) or here
    folder = here.relative_to(root).as_posix()
    return Checkout(root=root.as_posix(), folder="" if folder == "." else folder)
