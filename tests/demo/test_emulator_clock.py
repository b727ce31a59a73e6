"""Tests of the emulator's clock on its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from checker.demo.emulator import Clock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_it_runs_with_the_world_until_it_is_set():
    """A clock follows the real time with an offset, stops when it is set, and follows the real time
    again after `run`.
    """
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    clock.advance(days=-350)
    clock.advance(days=-3)
    assert abs(clock.now() - datetime.now(UTC) + timedelta(days=353)) < timedelta(minutes=1)
    clock.set(NOON)
    assert (clock.now(), clock.now()) == (NOON, NOON)
    assert clock.advance(hours=1, minutes=2, seconds=3) == NOON + timedelta(
        hours=1, minutes=2, seconds=3
    )
    clock.run()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_instant_has_a_time_zone():
    """A time in another zone is shown in UTC, and a time without a zone is refused."""
    clock = Clock()
    clock.set(NOON.astimezone(timezone(timedelta(hours=5))))
    assert clock.now().isoformat() == "2026-11-23T12:00:00+00:00"
    with pytest.raises(ValueError, match="no time zone"):
        clock.set(datetime(2026, 11, 23))  # noqa: DTZ001  # the point of the test
