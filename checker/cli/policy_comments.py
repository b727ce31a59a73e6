"""Whether the exemptions that stand as comments in the configuration are written as they have to be; it takes no state."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checker.cli.reading import shown_as
from checker.domain.configuration_files import SUFFIXES
from checker.domain.errors import UnreadableError
from checker.domain.exemption import Exemption, Faulty

if TYPE_CHECKING:
    from checker.cli.policy_base import Base


def is_configuration(file: str) -> bool:
    """Whether a file is one of Terraform's and no policy, by its name alone."""
    return file.endswith(SUFFIXES)


def comments(files: Sequence[str], base: Base | None = None) -> Iterator[Exemption | Faulty]:
    """Yield the exemptions of these files and the faulty ones, each with its location, folder by folder.

    With `base` the files are those of that commit.

    A file is read with its folder, since a comment belongs to a block and a block to a module. Raises UnreadableError.
    """
    from checker.readers.configuration import read_configuration

    for file in files:
        if not (base.exists(Path(file)) if base is not None else Path(file).is_file()):
            raise UnreadableError("No such file", where=file, remedy="check the path")
    for folder in sorted({str(Path(file).parent) for file in files}):
        placed = base.place(folder) if base is not None else None
        found = read_configuration(str(placed or folder), shown_as(folder))
        if found is None:
            raise UnreadableError("no .tf files here", where=folder, remedy="name files that Terraform reads")
        _, declared = found
        read: tuple[Exemption | Faulty, ...] = (*declared.exemptions, *declared.faulty)
        wanted = {os.path.relpath(Path(file).resolve(), Path.cwd()) for file in files if str(Path(file).parent) == folder}
        for each in read:
            if each.location is not None and os.path.normpath(each.location.file) in wanted:
                yield each
