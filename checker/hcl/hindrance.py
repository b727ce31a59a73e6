"""A reason against an edit, as the text gives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """A reason against an edit, the remedy, and where it stands: a path and a line, or no line for a whole file."""

    reason: str
    remedy: str
    path: str
    line: int = 1
