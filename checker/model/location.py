"""A line in a configuration file."""

from __future__ import annotations

from msgspec import Struct


class Location(Struct, frozen=True):
    """A file and a line counted from 1; sorted by file, then line.

    The file is relative to the user's working directory, as the user would name it.
    """

    file: str
    line: int

    def __lt__(self, other: Location) -> bool:
        return (self.file, self.line) < (other.file, other.line)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
