"""Report formats, one per file: each one writes an outcome as text."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from msgspec import Struct

from checker.model.outcome import Outcome


class Format(Struct, frozen=True):
    """A report format: the name of the module with its `render`.

    `patches` is whether it contains patches by default. `by_repository` is whether it names files
    from the root of the repository, as the pages of forges do, and not from the working directory.
    """

    module: str
    patches: bool = False
    by_repository: bool = False

    def render(self, outcome: Outcome) -> str:
        """Write an outcome; this imports the format's module and the library that it may need."""
        return cast("str", import_module(f"checker.reports.{self.module}").render(outcome))


FORMATS: Mapping[str, Format] = {
    "text": Format("text"),
    "json": Format("json_v1"),
    "sarif": Format("sarif", by_repository=True),
    "junit": Format("junit"),
    "github": Format("github", by_repository=True),
    "gitlab": Format("gitlab", by_repository=True),
    "openmetrics": Format("openmetrics"),
    "html": Format("html", patches=True),
    "markdown": Format("markdown", patches=True),
}
