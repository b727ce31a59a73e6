"""The timeline's scale: the past on the left, then now, then what is ahead, drawn wider the nearer it is.

A life of 365 days on an even scale leaves 12 days no room, and those are what the page is opened for. The square root of the
distance from now gives the first month a quarter of what is ahead, and a year still fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import sqrt

from checker.domain.value import short_value
from checker.reports.page.wording import MONTHS

NOW = 18.0
_AHEAD = 81.0
_REACH = 400.0
_TICKS = (
    (-365, "a year ago"),
    (0, "now"),
    (7, "1 week"),
    (30, "30 days"),
    (60, "60 days"),
    (120, "120 days"),
    (240, "240 days"),
    (365, "1 year"),
)


@short_value
class Tick:
    """A mark of the scale: where it stands in per cent of the width, what it says, and the day it falls on."""

    at: str
    label: str
    day: str
    name: str


def place(days: float) -> float:
    """Where a moment that many days from now stands, in per cent of the width; what lies out of reach stands at the edge."""
    share = sqrt(min(abs(days), _REACH) / _REACH)
    return NOW + _AHEAD * share if days >= 0 else NOW - NOW * share


def written(at: float) -> str:
    """A place as the page writes it: a hundredth of a per cent is a tenth of a pixel."""
    return f"{at:.2f}".rstrip("0").rstrip(".") + "%"


def ticks(as_of: datetime) -> Iterator[Tick]:
    """The marks of the scale for a moment."""
    for days, label in _TICKS:
        day = as_of + timedelta(days=days)
        name = "ago" if days < 0 else "now" if days == 0 else f"d{days}"
        yield Tick(written(place(days)), label, f"{day.day} {MONTHS[day.month - 1][:3]}", name)
