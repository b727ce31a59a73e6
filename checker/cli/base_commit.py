"""The files of a commit, extracted to a folder for one run: its policy and inline exemptions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.cli.loaded import display_prefix
from checker.errors import UnreadableError
from checker.model.inventory import Document

if TYPE_CHECKING:
    from checker.git import Commit


class Base(Struct, frozen=True, kw_only=True):
    """The commit whose policy and exemptions apply, and the folder with its files for this run."""

    commit: Commit
    folder: Path

    def place(self, path: str | Path) -> Path | None:
        """Return the extracted path of a file; None for a path outside the repository.

        A path inside the repository is not resolved: a link there belongs to the checkout, and the
        commit may have another. A commit does not change files outside the repository.
        """
        # Path.resolve would follow the links of the checkout.
        plain = Path(os.path.abspath(path))  # noqa: PTH100
        for candidate in (plain, Path(os.path.realpath(plain))):
            if candidate.is_relative_to(self.commit.top):
                return self.folder / candidate.relative_to(self.commit.top)
        return None

    def exists(self, path: Path) -> bool:
        """Return whether the file is in the commit; for a path outside the repository, on disk."""
        return (self.place(path) or path).is_file()

    def read(self, path: str, opener: Callable[[str], bytes]) -> bytes:
        """Read a file as it is in the commit; raises UnreadableError with the user's own path."""
        placed = self.place(path)
        if placed is None:
            return opener(path)
        try:
            return opener(str(placed))
        except UnreadableError as error:
            raise UnreadableError(
                f"{error.message} (at {self.commit.ref})", where=path, remedy=error.remedy
            ) from error

    def exemptions_of(self, document: Document) -> Document:
        """Return the document with the inline exemptions that the commit has in the same folder."""
        from checker.terraform.configuration import read_configuration

        declared = document.declared
        if declared is None or document.directory is None:
            return document
        placed = self.place(document.directory)
        found = None
        if placed is not None and placed.is_dir():
            found = read_configuration(str(placed), display_prefix(document.directory))
        held = found[1] if found is not None else None
        return replace(
            document,
            declared=replace(
                declared,
                exemptions=held.exemptions if held is not None else (),
                faulty=held.faulty if held is not None else (),
            ),
        )
