"""Parsing instants in the forms that providers write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terraform_json import CERTIFICATE, raw, raw_state

from checker.terraform.certificates import read_instant

FIRST, LAST = datetime(1971, 1, 1), datetime(9000, 1, 1)  # noqa: DTZ001  # hypothesis takes bounds without a zone
MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14 22:13:20 +0000 UTC",
        "2023-11-14 22:13:20.000000000 +0000 UTC",
        "2023-11-14 22:13:20 +0000 UTC m=+0.012345678",
        "2023-11-14 23:13:20 +0100 CET",
        "2023-11-15 03:43:20 +0530 +0530",
        "2023-11-14T22:13:20Z",
        "2023-11-14t22:13:20z",
        "2023-11-14T17:13:20-05:00",
        "2023-11-14T22:13:20.0Z",
    ],
)
def test_every_form_is_the_same_instant(text):
    """Go's time format and RFC 3339 give the same instant in UTC."""
    assert read_instant(text) == MOMENT
    assert read_instant(text).tzinfo is UTC


def test_a_fraction_is_kept_to_the_microsecond():
    """A fraction is cut to microseconds."""
    assert read_instant("2023-11-14 22:13:20.123456789 +0000 UTC") == MOMENT.replace(
        microsecond=123456
    )


def test_a_leap_second_is_the_second_before():
    """A leap second is read as the second before it."""
    assert read_instant("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "2023-11-14",
        "2023-11-14 22:13:20",
        "14.11.2023",
        "2023-13-14T22:13:20Z",
        "2023-11-14T22:13:20+99:99",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٣-11-14T22:13:20Z",
        "1700000000",
    ],
)
def test_anything_else_is_no_instant(text):
    """A text without a valid date, time or offset gives None."""
    assert read_instant(text) is None


@given(st.datetimes(FIRST, LAST), st.integers(-720, 840))
def test_both_forms_agree_with_python(moment, minutes):
    """An instant printed in either form and any offset is parsed to an equal one."""
    there = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    assert read_instant(there.isoformat()) == there
    assert read_instant(there.strftime("%Y-%m-%d %H:%M:%S.%f %z XXX")) == there


@given(
    st.text(max_size=50)
    | st.from_regex(r"\A\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)? ?[+-]\d{4}( UTC)?\Z")
)
def test_no_text_is_an_error(text):
    """Any text gives an instant or None."""
    assert read_instant(text) is None or read_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "zero", ["0001-01-01 00:00:00 +0000 UTC", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"]
)
def test_i4_a_date_that_was_never_set_is_no_end(read, zero):
    """I4: Go's zero time means an unknown end, neither clean nor expired."""
    values = {"id": "abc123", "expiration_date": zero, "created_date": zero}
    (certificate,) = read(raw_state(raw(CERTIFICATE, "c", {"attributes": values}))).certificates
    assert (certificate.expires_at, certificate.created_at, certificate.pem) == (
        None,
        None,
        None,
    )
