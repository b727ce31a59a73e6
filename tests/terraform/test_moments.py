"""Parsing the instants that a user may write for --as-of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.cli.load import parse_as_of
from checker.errors import UsageError
from checker.terraform.certificates import read_moment

DAY = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24",
        "20261124",
        "2026-W48-2",
        "2026W482",
        "2026-328",
        "2026328",
        "2026-11-24Z",
        " 20261124 ",
    ],
)
def test_a_day_is_its_midnight_in_utc(text):
    """A date in any ISO 8601 form means midnight UTC."""
    assert parse_as_of(text) == DAY


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-11-24T12:00:00Z", 12),
        ("2026-11-24t12:00:00z", 12),
        ("2026-11-24 12:00:00 Z", 12),
        ("20261124T120000Z", 12),
        ("20261124T1200+0100", 11),
        ("2026-11-24T12+01", 11),
        ("2026-11-24T12:00:00-05:30", 17.5),
        ("2026-W48-2T12:00Z", 12),
        ("2026-11-24T24:00Z", 24),
        ("2026-11-24T12:00:00.000Z", 12),
        ("2026-11-24T12:00:00,000000000+00:00", 12),
    ],
)
def test_an_instant_has_an_offset(text, hours):
    """An instant with an offset is parsed, in RFC 3339 and in the basic form of ISO 8601."""
    assert parse_as_of(text) == DAY + timedelta(hours=hours)


def test_fractions_and_leap_seconds():
    """Fractions are cut to microseconds, and a leap second is the second before it."""
    assert parse_as_of("2026-11-24T00:00:00.1234567891Z") == DAY.replace(microsecond=123456)
    assert parse_as_of("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T12:00", "20261124T12", "2026-11-24 12:00:00", "2026-W48-2T12", "2026328t12"],
)
def test_the_advice_for_one_without_a_zone_is_accepted_when_it_is_followed(text):
    """The remedy for an instant without a time zone gives a text that is accepted."""
    with pytest.raises(UsageError, match="names no time zone") as raised:
        parse_as_of(text)
    advised = raised.value.remedy.removeprefix("write ").removesuffix(" for UTC")
    assert parse_as_of(advised) == DAY + timedelta(hours=12)


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026", "2026-11", "2026-13-01", "2026-02-30", "2026-W54-1", "2026-366", "2026-11-24T25Z", "2026-11-24T12:60Z",
     "2026-11-24T24:01Z", "2026-11-24T12:00:61Z", "2026-11-24T12:00+99:00", "2026-11-24T", "2026-11-24TZ", "1-1-1", "\u0662026-11-24",
     "0001-01-01T00:00+23:59", "9999-12-31T24:00Z", "2026-1124"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text):
    """A text that is no valid instant is a usage error."""
    with pytest.raises(UsageError):
        parse_as_of(text)


FIRST, LAST = datetime(1970, 1, 2), datetime(8999, 12, 30)  # noqa: DTZ001 -- bounds take no zone


@given(st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.timezones()))
def test_what_python_writes_is_read(instant):
    """An instant in Python's ISO format is parsed to an equal one."""
    offset = instant.utcoffset()
    if offset.total_seconds() % 60 == 0:
        assert read_moment(instant.isoformat()) == instant.astimezone(UTC)
