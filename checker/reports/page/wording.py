"""Dates, counts and addresses as the page says them: whatever the machine's language is, the page is in English.

A page of ten thousand stages makes a hundred thousand of these, so that they are tuples, which are frozen too, and made in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

from checker.domain.address import Address, print_key

MONTHS = tuple("January February March April May June July August September October November December".split())  # noqa: SIM905 -- a line


class Name(NamedTuple):
    """An address in two parts: what leads to it, which a reader passes over, and what tells it from others."""

    lead: str
    own: str

    def __str__(self) -> str:
        return self.lead + self.own


class StageName(NamedTuple):
    """A stage as the page lists it; `when` says what the plan changes about it, empty where nothing.

    `again`: what leads to it is that of the one before, and need not be seen twice.
    """

    name: Name
    when: str
    again: bool = False


def listed(stages: Iterable[StageName]) -> Iterator[StageName]:
    """Stages in their order, with what leads to each seen once."""
    lead = None
    for stage in stages:
        yield stage._replace(again=stage.name.lead == lead)
        lead = stage.name.lead


class Date(NamedTuple):
    """A moment: the instant in RFC 3339, and its day in words."""

    instant: str
    day: str


def name_of(address: Address | None, otherwise: str) -> Name:
    """An address split before its own name; where there is none, what names the thing otherwise."""
    if address is None:
        return Name("", otherwise)
    own = f"{address.name}{print_key(address.key)}"
    return Name(str(address)[: -len(own)], own)


def split(text: str) -> Name:
    """An address that is known as text alone, split likewise: at the dot before the last word that no bracket holds."""
    head = text.partition("[")[0] if text.endswith("]") else text
    at = head.rfind(".") + 1
    return Name(text[:at], text[at:])


def date_of(moment: datetime) -> Date:
    """A moment for a reader and for a machine."""
    moment = moment.astimezone(UTC)
    return Date(f"{moment.isoformat()[:19]}Z", day_of(moment))


def day_of(moment: date) -> str:
    """A day in words: 6 Dec 2026."""
    return f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment.year}"


def month_of(moment: datetime) -> str:
    """A month in words: December 2026."""
    return f"{MONTHS[moment.month - 1]} {moment.year}"


def counted(count: int, noun: str) -> str:
    """A count with its noun: 1 stage, 2,950 certificates."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def until(days: int) -> str:
    """How far off something is: whole days, rounded down, as `days_left` counts them."""
    match days:
        case 0:
            return "in less than a day"
        case 1:
            return "in 1 day"
        case -1:
            return "less than a day ago"
        case _ if days > 0:
            return f"in {days:,} days"
        case _:
            return f"{-days - 1:,} day{'s' if days < -2 else ''} ago"
