"""Text from Terraform or AWS made harmless for a terminal: nothing in it can move the cursor or change colours."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every character that is no plain print, a line end included, written as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
