"""The documents of a run, and the configuration beside each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.inventory import Inventory

if TYPE_CHECKING:
    from checker.hcl.configuration import Configuration


class Loaded(Struct, frozen=True, kw_only=True):
    """The documents, and the configuration beside each, in order; None if there is none."""

    inventory: Inventory
    configurations: tuple[Configuration | None, ...]


def display_prefix(directory: str) -> str:
    """Return the path from the current folder to a configuration, to prefix its file names."""
    relative = os.path.relpath(Path(directory).resolve(), Path.cwd())
    return "" if relative == "." else relative.replace(os.sep, "/")
