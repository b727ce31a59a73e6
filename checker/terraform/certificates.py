"""Read a certificate from the attributes of a resource."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from checker.model.places import place_of_arn
from checker.model.resources import Certificate, possible_beginning, possible_end
from checker.terraform.decode import decode, printable
from checker.terraform.records import Record
from checker.terraform.stages import read_tags

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]"
    r"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"  # the wall clock, with Go's nanoseconds
    r" ?(?:([Zz])|([+-])(\d\d):?(\d\d))"  # an offset, in either form
    r"(?: [A-Za-z0-9+-]{1,10})?"  # Go adds the zone's name
    r"(?: m=[+-]\d+\.\d+)?",  # and the reading of the monotonic clock
    re.ASCII,
)


def read_instant(text: str | None) -> datetime | None:
    """Read an instant in RFC 3339 or in Go's `time.String()` form, as UTC; None for anything else.

    Source: terraform-provider-aws internal/service/apigateway/client_certificate.go sets its dates
    by `.String()`.
    """
    found = _INSTANT.fullmatch(text) if text else None
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[10] or 0), minutes=int(found[11] or 0))
    microsecond = int((found[7] or "").ljust(6, "0")[:6])
    try:
        zone = timezone(-offset if found[9] == "-" else offset)
        # Go never prints a leap second, but RFC 3339 may. The second before is close enough for a
        # certificate's end.
        moment = datetime(
            year,
            month,
            day,
            hour,
            minute,
            min(second, 59) if second == 60 else second,
            microsecond,
            zone,
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# A date alone: a calendar, week or ordinal date of ISO 8601, with or without hyphens.
# Texts, compiled on first use: few runs read such a date.
_CALENDAR_OR_WEEK = r"\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d-\d|\d{4}W\d{3}"
_ORDINAL = r"(\d{4})-?(\d{3})"
_TIME_FORM = (
    r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?)?"  # hours; missing parts are zero
    r" ?(?:([Zz])|([+\u2212-])(\d\d):?(\d\d)?)?"
)


def read_moment(text: str) -> datetime | None:
    """Read a date or an instant in a form of ISO 8601 or RFC 3339; None for anything else.

    A date means its midnight in UTC. An instant without an offset is returned without a time zone.
    A leap second becomes the second before it. 24:00 is the end of the day.
    """
    day, clock = _parted(text.strip())
    date = _day(day)
    found = re.fullmatch(_TIME_FORM, clock, re.ASCII)
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
        local = date + timedelta(
            hours=hour, minutes=minute, seconds=second, microseconds=microseconds
        )
        if not found[5] and not found[6]:
            return local
        return local.replace(tzinfo=timezone(offset if found[6] == "+" else -offset)).astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        return None


def _parted(text: str) -> tuple[str, str]:
    """Return the day and the time of an instant; a day alone begins at midnight in UTC."""
    found = re.fullmatch(r"([0-9W-]+)[Tt ](.*)", text, re.ASCII)
    return (found[1], found[2]) if found else (text.removesuffix("Z"), "00Z")


def _day(text: str) -> datetime | None:
    ordinal = re.fullmatch(_ORDINAL, text, re.ASCII)
    try:
        if ordinal is None:
            return (
                datetime.fromisoformat(text)
                if re.fullmatch(_CALENDAR_OR_WEEK, text, re.ASCII)
                else None
            )
        first = datetime(int(ordinal[1]), 1, 1)  # noqa: DTZ001 -- a day; its time has the zone
        day = first + timedelta(days=int(ordinal[2]) - 1)
    except (ValueError, OverflowError):
        return None
    return day if day.year == first.year else None


class _Gateway(Struct, frozen=True, gc=False):
    id: str | None = None
    client_certificate_id: str | None = None
    arn: str | None = None
    created_date: str | None = None
    expiration_date: str | None = None
    pem_encoded_certificate: str | None = None
    region: str | None = None
    tags: Raw | UnsetType = UNSET
    tags_all: Raw | UnsetType = UNSET


class _Acm(Struct, frozen=True, gc=False):
    arn: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    certificate_body: str | None = None
    certificate: str | None = None
    region: str | None = None
    tags: Raw | UnsetType = UNSET
    tags_all: Raw | UnsetType = UNSET


def read_certificate(record: Record, tags: Collection[str] = ()) -> Certificate:
    """Read a client certificate of API Gateway.

    The end in its PEM takes precedence over the attribute, which is the provider's copy.

    Raises UnreadableError at an attribute of the wrong type. An unreadable date or PEM is not an
    error: the end is then unknown, and no rule accepts an unknown end.
    """
    found = decode(record.attributes, _Gateway, record.json_path)
    # awscc has its own `id`, composed by CloudFormation. This read-only attribute is the
    # certificate's id.
    name = "client_certificate_id" if record.type.startswith("awscc_") else "id"
    known = None if record.awaits(name) or record.hides(name) else getattr(found, name) or found.id
    return _dated(
        Certificate(
            address=record.address,
            id=printable(known, record.json_path.key(name)),
            place=record.place_by(found.region, found.arn),
            deposed=record.deposed,
            tainted=record.tainted,
            tags=read_tags(record, found.tags, found.tags_all, tags),
        ),
        pem=_open(record, found, "pem_encoded_certificate"),
        starts=_open(record, found, "created_date"),
        ends=_open(record, found, "expiration_date"),
    )


def read_acm_certificate(record: Record, tags: Collection[str] = ()) -> Certificate:
    """Read an ACM certificate; its id is its ARN, as a stage names it.

    Its data source has a PEM and no dates.
    """
    found = decode(record.attributes, _Acm, record.json_path)
    known = None if record.awaits("arn") or record.hides("arn") else found.arn
    return _dated(
        Certificate(
            address=record.address,
            id=printable(known, record.json_path.key("arn")),
            kind="acm",
            place=place_of_arn(found.arn).or_else(record.place_by(found.region)),
            deposed=record.deposed,
            tainted=record.tainted,
            tags=read_tags(record, found.tags, found.tags_all, tags),
        ),
        pem=_open(record, found, "certificate_body") or _open(record, found, "certificate"),
        starts=_open(record, found, "not_before"),
        ends=_open(record, found, "not_after"),
    )


def _open(record: Record, found: _Gateway | _Acm, name: str) -> str | None:
    """Return an attribute, or None if it is marked sensitive: no sensitive value is ever kept."""
    value: str | None = None if record.hides(name) else getattr(found, name)
    return value


def _dated(
    certificate: Certificate, *, pem: str | None, starts: str | None, ends: str | None
) -> Certificate:
    if pem is not None:
        # Imported here: an ACM certificate, and one that a plan creates, has no PEM.
        from checker.model.x509 import normal_pem, read_pem

        validity = read_pem(pem)
        if validity is not None and possible_end(validity.not_after) is not None:
            return replace(
                certificate,
                created_at=possible_beginning(
                    read_instant(starts) or validity.not_before, validity.not_after
                ),
                expires_at=validity.not_after,
                fingerprint=validity.fingerprint,
                pem=normal_pem(pem),
            )
    end = possible_end(read_instant(ends))
    begin = possible_beginning(read_instant(starts), end)
    return replace(certificate, created_at=begin, expires_at=end)
