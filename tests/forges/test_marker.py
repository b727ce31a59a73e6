"""Tests of the hidden marker line, which identifies a comment exactly and states how
recent it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checker.forges.comment import Marker, read_marker

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MARKER = Marker(key="prod", repository="octo-org/gateway", at=NOW)


@given(
    st.text(), st.text(), st.none() | st.text(), st.none() | st.integers(0, 2**60), st.booleans()
)
def test_a_marker_is_read_as_it_was_written_and_is_one_hidden_line(
    key, repository, commit, run, resolved
):
    """A marker is read back as written, is one line, and no key can end its HTML comment early."""
    marker = Marker(
        key=key, repository=repository, at=NOW, commit=commit, run=run, resolved=resolved
    )
    line = marker.line
    assert read_marker(f"{line}\nthe rest\n-->") == marker
    assert len(line.splitlines()) == 1
    assert line.isascii()
    inside = line[4:-3]
    assert ">" not in inside
    assert "--" not in inside


@pytest.mark.parametrize(
    "body",
    [
        "",
        "tfcert comment",
        f"> {MARKER.line}",
        f" {MARKER.line}",
        f"hello\n{MARKER.line}",
        f"{MARKER.line} and more",
        "<!-- tfcert comment {} -->",
        "<!-- tfcert comment nonsense -->",
        MARKER.line.replace('"prod"', "3"),
        MARKER.line.replace("+00:00", ""),
        MARKER.line.replace("null", '"7"'),
        MARKER.line.replace("2026-11-23T00:00:00+00:00", "0001-01-01T00:00:00+14:00"),
        MARKER.line.replace("2026-11-23T00:00:00+00:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_nothing_else_is_a_marker(body):
    """A quoted, incomplete or invalid marker line is not read as a marker."""
    assert read_marker(body) is None


@pytest.mark.parametrize("other", ["non-prod", "prod ", "Prod", "pro", "prod2", ""])
def test_a_key_is_matched_to_the_letter(other):
    """A marker matches its exact key and repository only: `prod` does not match `non-prod`."""
    assert MARKER.is_of(replace(MARKER, run=7, commit="abcdef1", resolved=True))
    assert not MARKER.is_of(replace(MARKER, key=other))
    assert not MARKER.is_of(replace(MARKER, repository="octo-org/gateway2"))


def test_a_later_run_is_newer_whatever_the_clock_says():
    """A run with a higher number is newer at any time; without numbers the time of the check
    decides.
    """
    later = NOW + timedelta(days=1)
    assert replace(MARKER, run=1, at=later).older_than(replace(MARKER, run=2))
    assert not replace(MARKER, run=2).older_than(replace(MARKER, run=1, at=later))
    assert MARKER.older_than(replace(MARKER, at=later))
    assert MARKER.older_than(replace(MARKER, at=later, run=1))
    assert not MARKER.older_than(MARKER)
