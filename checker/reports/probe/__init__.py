"""The reports of `tfcert probe`: one format per file; a document in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from checker.reports.probe.document import JsonProbe

# The modules with the `render` of each format.
PROBE_FORMATS: Mapping[str, str] = {
    "text": "lines",
    "json": "document",
    "markdown": "tables",
    "html": "page",
}


def render_probe(name: str, document: JsonProbe) -> str:
    """Write a document in one of the formats; this imports the format's module."""
    module = import_module(f"checker.reports.probe.{PROBE_FORMATS[name]}")
    return cast("str", module.render(document))
