"""From when until when a certificate can be said to live: what of two dates is one that a certificate may have."""

from __future__ import annotations

from datetime import datetime

# Dates before Unix time are the zero of some library, such as Go's year 1; those of the last centuries leave no room to count
# from. RFC 5280's "no well-defined end", the last second of 9999, is an end that some certificates of a private CA have.
_FIRST_YEAR = 1970
_LAST_BEGINNING = 9000


def possible_end(ends: datetime | None) -> datetime | None:
    """The end, or None where it is a date that only means that there is none."""
    return ends if ends is not None and ends.year >= _FIRST_YEAR else None


def possible_beginning(begins: datetime | None, ends: datetime | None) -> datetime | None:
    """The beginning, or None where it cannot be one, such as after the end."""
    if begins is None or not _FIRST_YEAR <= begins.year < _LAST_BEGINNING:
        return None
    return begins if ends is None or begins <= ends else None
