"""Checks of single text values in policy files and comments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

Keys = tuple[str | int, ...]


# Characters that act on the screen or tool that shows them: controls, line and paragraph
# separators, changes of text direction.
CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"


class Mismatch(Exception):  # noqa: N818 -- the error needs the file and the line too
    """A value that does not match its schema: the place, the problem, and what to do."""

    def __init__(self, at: Keys, message: str, remedy: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.remedy = remedy


def parse_day(found: object) -> date | None:
    """Parse a date, from a TOML date or a text; None for anything else."""
    if isinstance(found, date):
        return None if isinstance(found, datetime) else found
    if not isinstance(found, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", found, re.ASCII):
        return None
    try:
        return date.fromisoformat(found)
    except ValueError:
        return None


def has_controls(text: str) -> bool:
    """Return whether a text contains a character that acts on the screen or tool that shows it."""
    return re.search(f"[{CONTROLS}]", text) is not None


def nearest_word(word: str, known: Sequence[str]) -> str:
    """Return a hint that names the nearest known word, or all of them if none is near."""
    import difflib

    plain = word.lower().replace("-", "_")
    near = difflib.get_close_matches(plain, [entry.replace("-", "_") for entry in known], n=1)
    found = next(
        (entry for entry in known if near and entry.replace("-", "_") == near[0]), None
    ) or next(
        (
            entry
            for entry in known
            if len(plain) > 2 and (entry.startswith(plain) or plain.startswith(entry))
        ),
        None,
    )
    return f"did you mean {found!r}?" if found is not None else f"known: {', '.join(known)}"
