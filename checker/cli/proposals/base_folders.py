"""The configuration of a commit, in place of the one in the checkout."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.errors import UsageError
from checker.git import path_in_repository

if TYPE_CHECKING:
    from checker.hcl.roots import Root


class BaseFolders(Struct, frozen=True, kw_only=True):
    """The configuration of a commit in `folder`, in place of the checkout's at `top`."""

    top: Path
    folder: Path

    def of(self, directory: str) -> str:
        """Return the commit's folder for a folder of the checkout.

        Raises UsageError for a folder outside the checkout.
        """
        path = path_in_repository(directory, self.top)
        if path is not None:
            return str(self.folder / path)
        raise UsageError(
            f"is outside the repository {self.top}", where=directory, remedy="name a folder in it"
        )

    def shown(self, directory: str) -> str:
        """Return the path of a folder of the checkout in the repository; empty for its root."""
        path = Path(self.of(directory)).relative_to(self.folder).as_posix()
        return "" if path == "." else path

    def roots(self, checkout: Mapping[str, Root], sources: Sequence[str]) -> dict[str, Root]:
        """Add the commit's root modules to those of the checkout.

        A module may concern tfcert in either text.
        """
        from checker.hcl.roots import find_roots

        found = dict(checkout)
        for source in sources:
            there = self.of(source)
            for root in find_roots(there) if Path(there).is_dir() else ():
                directory = os.path.normpath(Path(source, os.path.relpath(root.directory, there)))
                known = found.get(directory, root)
                found[directory] = dataclasses.replace(
                    root,
                    directory=directory,
                    remote=root.remote or known.remote,
                    concerned=root.concerned or known.concerned,
                    unreadable=root.unreadable or known.unreadable,
                )
        return dict(sorted(found.items()))
