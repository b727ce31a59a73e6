"""Valid dates of a certificate, and dates that only mean "not set"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.policy import Policy
from checker.model.resources import possible_beginning, possible_end

ZERO = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
END = datetime(2027, 3, 1, tzinfo=UTC)
MOMENTS = st.datetimes(timezones=st.just(UTC))


def test_the_zero_of_a_library_is_no_date():
    """The first day of year 1, Go's zero time, is no date."""
    assert possible_end(ZERO) is None
    assert possible_beginning(ZERO, END) is None
    assert possible_end(LAST) == LAST  # RFC 5280, 4.1.2.5: there is no well-defined end


@pytest.mark.parametrize(
    ("begins", "found"),
    [(END, END), (END - timedelta(days=1), END - timedelta(days=1)), (LAST, None)],
)
def test_nothing_begins_after_its_end(begins, found):
    """A beginning after the end is dropped."""
    assert possible_beginning(begins, END) == found


@given(MOMENTS, MOMENTS)
def test_from_what_is_possible_days_can_be_counted(begins, ends):
    """Deadlines can be computed from every valid date without an overflow."""
    policy = Policy(margin_days=3650, trust_window_days=3650)
    end = possible_end(ends)
    begin = possible_beginning(begins, end)
    if end is not None:
        policy.introduce_by(end)
    if begin is not None:
        assert begin + timedelta(days=3650)
        assert end is None or begin <= end
