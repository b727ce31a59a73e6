"""Instants as Terraform's providers record them."""

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
