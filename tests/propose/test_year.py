"""A year of many repositories: never two requests for a phase, never a phase early, every certificate rotated in time."""

from __future__ import annotations

import os

import pytest
from year import live

WHOLE = "TFCERT_YEAR" in os.environ


@pytest.mark.outside
def test_a_year(wire, tmp_path):
    """A sample; TFCERT_YEAR=1 is 10 repositories with a run a day and 300 on the days on which something changes."""
    daily, many = (10, 300) if WHOLE else (0, 5)
    counts = live(tmp_path, wire, daily=daily, many=many, seed=1)
    assert counts["requests"] >= 3 * (daily + many)
    assert counts["certificates retired"] >= daily + many
    assert counts["requests merged"] >= 3 * (daily + many)
