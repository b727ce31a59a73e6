"""A place in the configuration's text."""

from __future__ import annotations

from msgspec import Struct


class Location(Struct, frozen=True):
    """A file, as a person would name it from where they stand, and a line counted from 1; ordered as one reads them."""

    file: str
    line: int

    def __lt__(self, other: Location) -> bool:
        return (self.file, self.line) < (other.file, other.line)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
