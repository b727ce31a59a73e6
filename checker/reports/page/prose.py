"""Sentences of findings and rotations as HTML: a capital at the start, and what stands in backticks as code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from checker.reports.printable import printable

if TYPE_CHECKING:
    from markupsafe import Markup

_CODE = re.compile(r"`([^`]+)`")
_STARTS = re.compile(r"[a-z]+(?:[,:]? [a-z0-9'`]|$)")


def prose(text: str, starts: bool = True) -> Markup:  # noqa: FBT001, FBT002 -- a filter of Jinja
    """A sentence as the page shows it; a first word that is a name, such as an address, keeps its letters."""
    from markupsafe import Markup, escape

    text = printable(text)
    if starts and _STARTS.match(text):
        text = text[0].upper() + text[1:]
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped before
