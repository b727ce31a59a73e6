"""The repository that a run stands in."""

from __future__ import annotations

from pathlib import Path

from checker.domain.checkout import Checkout
from checker.hcl.repository import repository_of


def checkout() -> Checkout:
    """The repository's root and the way from it to here; here itself where there is no repository."""
    here = Path.cwd()
    root = repository_of(here) or here
    folder = here.relative_to(root).as_posix()
    return Checkout(root=root.as_posix(), folder="" if folder == "." else folder)
