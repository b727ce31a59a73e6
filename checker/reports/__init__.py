"""One format a file: an outcome in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from msgspec import Struct

from checker.model.outcome import Outcome


class Format(Struct, frozen=True):
    """A format of reports: the module here that has its `render`.

    `patches` says that it carries patches without being told, `by_repository` that it names files from a repository's root, as
    the pages of forges do, and not from where the run stands.
    """

    module: str
    patches: bool = False
    by_repository: bool = False

    def render(self, outcome: Outcome) -> str:
        """Write an outcome; the format's module, and the library that it may need, are imported by this alone."""
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
