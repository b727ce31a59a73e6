"""Report formats, one per file: each one writes an outcome as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import cast

from msgspec import Struct

from checker.errors import UsageError
from checker.model.outcome import Outcome


class Format(Struct, frozen=True):
    """A report format: the name of the module with its `render`.

    `patches` is whether it contains patches by default. `by_repository` is whether it names files
    from the root of the repository, as the pages of forges do, and not from the working directory.
    `library` is the package that it needs beyond tfcert's own dependencies.
    """

    module: str
    patches: bool = False
    by_repository: bool = False
    library: str | None = None

    def render(self, outcome: Outcome) -> str:
        """Write an outcome; this imports the format's module and the library that it may need.

        Raises UsageError if the library is of an extra that is not installed.
        """
        try:
            module = import_module(f"checker.reports.{self.module}")
        except ModuleNotFoundError as error:
            if self.library is None or (error.name or "").partition(".")[0] != self.library:
                raise
            raise UsageError(
                f"the library {self.library} is not installed",
                where=f"--format {self.module}",
                remedy="pip install 'tfcert[formats]'",
            ) from error
        return cast("str", module.render(outcome))

    def pieces(self, outcome: Outcome) -> Iterable[str]:
        """Write an outcome piece by piece, for a format whose length has no bound."""
        if self.module != "jsonl":
            return (self.render(outcome),)
        from checker.reports.jsonl import stream

        return stream(outcome)


FORMATS: Mapping[str, Format] = {
    "text": Format("text"),
    "json": Format("json_v1", by_repository=True),
    "jsonl": Format("jsonl", by_repository=True),
    "sarif": Format("sarif", by_repository=True),
    "junit": Format("junit"),
    "github": Format("github", by_repository=True),
    "gitlab": Format("gitlab", by_repository=True),
    "azure": Format("azure", by_repository=True),
    "openmetrics": Format("openmetrics"),
    "asff": Format("asff"),
    "cyclonedx": Format("cyclonedx", library="cyclonedx"),
    "ics": Format("ics", library="icalendar"),
    "html": Format("html", patches=True),
    "markdown": Format("markdown", patches=True, by_repository=True),
}
