"""Instants as Terraform's providers record them, and as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"  # the wall clock, with Go's nanoseconds
    r" ?(?:([Zz])|([+-])(\d\d):?(\d\d))"  # an offset, in either form
    r"(?: [A-Za-z0-9+-]{1,10})?(?: m=[+-]\d+\.\d+)?",  # Go adds the zone's name, and the monotonic clock's reading
    re.ASCII,
)


def read_instant(text: str | None) -> datetime | None:
    """Read an instant in RFC 3339 or in Go's `time.String()` form, as UTC; None for anything else.

    Source: terraform-provider-aws internal/service/apigateway/client_certificate.go sets its dates by `.String()`.
    """
    found = _INSTANT.fullmatch(text) if text else None
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[10] or 0), minutes=int(found[11] or 0))
    microsecond = int((found[7] or "").ljust(6, "0")[:6])
    try:
        zone = timezone(-offset if found[9] == "-" else offset)
        # Go never prints a leap second; RFC 3339 may, and the second before it is near enough for a certificate's end.
        moment = datetime(year, month, day, hour, minute, min(second, 59) if second == 60 else second, microsecond, zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# A date alone: calendar, week and ordinal dates of ISO 8601, with hyphens or without.
_CALENDAR_OR_WEEK = re.compile(r"\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d-\d|\d{4}W\d{3}", re.ASCII)
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})", re.ASCII)
_TIME_FORM = re.compile(
    r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?)?"  # hours, and what is left out is zero
    r" ?(?:([Zz])|([+\u2212-])(\d\d):?(\d\d)?)?",
    re.ASCII,
)


def read_moment(text: str) -> datetime | None:
    """Read a date (its midnight in UTC) or an instant in a form of ISO 8601 or RFC 3339; None for anything else.

    An instant without an offset comes back without a time zone. A leap second is the second before it; 24:00 ends the day.
    """
    day, clock = _parted(text.strip())
    date = _day(day)
    found = _TIME_FORM.fullmatch(clock)
    if date is None or found is None:
        return None
    hour, minute, second = (int(found[group] or 0) for group in (1, 2, 3))
    second = min(second, 59) if second == 60 else second
    past = hour == 24 and (minute or second or (found[4] or "").strip("0"))
    if hour > 24 or minute > 59 or second > 59 or past:
        return None
    microseconds = int((found[4] or "").ljust(6, "0")[:6])
    offset = timedelta(hours=int(found[7] or 0), minutes=int(found[8] or 0))
    try:
        local = date + timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microseconds)
        if not found[5] and not found[6]:
            return local
        return local.replace(tzinfo=timezone(offset if found[6] == "+" else -offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parted(text: str) -> tuple[str, str]:
    """The day and the time of an instant; a day alone begins at midnight in UTC."""
    found = re.fullmatch(r"([0-9W-]+)[Tt ](.*)", text, re.ASCII)
    return (found[1], found[2]) if found else (text.removesuffix("Z"), "00Z")


def _day(text: str) -> datetime | None:
    ordinal = _ORDINAL.fullmatch(text)
    try:
        if ordinal is None:
            return datetime.fromisoformat(text) if _CALENDAR_OR_WEEK.fullmatch(text) else None
        first = datetime(int(ordinal[1]), 1, 1)  # noqa: DTZ001 -- a day; its zone comes with its time
        day = first + timedelta(days=int(ordinal[2]) - 1)
    except (ValueError, OverflowError):
        return None
    return day if day.year == first.year else None
