"""Where in a document a reader stands, so that an error names the leaf and not the line."""

from __future__ import annotations

from typing import NamedTuple

from checker.domain.errors import UnreadableError


class Spot(NamedTuple):
    """A file as the user named it, and a JSON path inside it such as `resource_changes[12].change`; empty at the top."""

    file: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.path}" if self.path else self.file

    def key(self, name: str) -> Spot:
        """The spot of one property below this one."""
        return Spot(self.file, f"{self.path}.{name}" if self.path else name)

    def item(self, index: int) -> Spot:
        """The spot of one item of the array that is here."""
        return Spot(self.file, f"{self.path}[{index}]")

    def below(self, path: str) -> Spot:
        """The spot that a path relative to this one leads to; the path may begin with an index."""
        if not path or path.startswith("["):
            return Spot(self.file, self.path + path)
        return self.key(path)

    def unreadable(self, message: str, remedy: str | None = None) -> UnreadableError:
        """The error that says what is wrong here; neither text may quote what the document holds."""
        return UnreadableError(message, where=str(self), remedy=remedy)
