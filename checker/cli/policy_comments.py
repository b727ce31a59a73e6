"""Whether the exemptions that stand as comments in the configuration are written as they have to be; it takes no state."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from checker.cli.reading import shown_as
from checker.domain.configuration_files import SUFFIXES
from checker.domain.errors import UnreadableError
from checker.domain.exemption import Exemption, Faulty


def is_configuration(file: str) -> bool:
    """Whether a file is one of Terraform's and no policy, by its name alone."""
    return file.endswith(SUFFIXES)


def comments(files: Sequence[str]) -> Iterator[Exemption | Faulty]:
    """The exemptions of these files and what was to be one and is none, each with its location, folder by folder.

    A file is read with its folder, since a comment belongs to a block and a block to a module. Raises UnreadableError.
    """
    from checker.readers.configuration import read_configuration

    for file in files:
        if not Path(file).is_file():
            raise UnreadableError("No such file", where=file, remedy="check the path")
    for folder in sorted({str(Path(file).parent) for file in files}):
        found = read_configuration(folder, shown_as(folder))
        if found is None:
            raise UnreadableError("no .tf files here", where=folder, remedy="name files that Terraform reads")
        _, declared = found
        read: tuple[Exemption | Faulty, ...] = (*declared.exemptions, *declared.faulty)
        wanted = {os.path.relpath(Path(file).resolve(), Path.cwd()) for file in files if str(Path(file).parent) == folder}
        for each in read:
            if each.location is not None and os.path.normpath(each.location.file) in wanted:
                yield each
