"""Names and ids that can be shown on a terminal without doing anything to it."""

from __future__ import annotations

from checker.readers.spot import Spot

_LONGEST = 2048  # the longest ARN that AWS documents


def printable(text: str | None, spot: Spot) -> str | None:
    """The text itself, or None where it is empty.

    Raises UnreadableError for control characters, and for a text longer than any name in AWS.
    """
    if not text:
        return None
    if len(text) > _LONGEST or not text.isprintable():
        raise spot.unreadable("is not a name or an id that AWS could have given", "check what wrote the document")
    return text
