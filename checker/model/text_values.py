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


def nearest_word(word: str, known: Sequence[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that is most similar; None if none is.

    Upper case, and a hyphen for an underscore, make no difference. `cutoff` is the minimum
    similarity, from 0 to 1. Source: Python documentation, difflib.get_close_matches.
    """
    import difflib

    plain = {_plain(entry): entry for entry in reversed(known)}
    near = difflib.get_close_matches(_plain(word), list(plain), n=1, cutoff=cutoff)
    return plain[near[0]] if near else None


def suggest(word: str) -> str:
    """Return the hint for a word that the user probably meant."""
    return f"did you mean {word!r}?"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a hint that names the nearest known word.

    If none is near, it is the first one that begins with the word or that the word begins with. If
    there is none, the hint names all known words.
    """
    found = nearest_word(word, known) or next(
        (
            entry
            for entry in known
            if len(word) > 2
            and (_plain(entry).startswith(_plain(word)) or _plain(word).startswith(_plain(entry)))
        ),
        None,
    )
    return suggest(found) if found is not None else f"known: {', '.join(known)}"


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
