"""The text of the issue that lists every rotation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from test_proposal import DAY, OLD, rotation

from checker.model.rotation import Blocked, Done, Next, Phase, Waiting
from checker.reports.dashboard import DashboardRow, dashboard
from checker.reports.markdown import size


def row(step, **more):
    """Return a row of a rotation with this step."""
    from msgspec.structs import replace

    return DashboardRow(rotation=replace(rotation(), step=step), root="live/orders", **more)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Next(Phase.REPOINT), "repoint | 2026-11-28 |"),
        (Next(Phase.RETIRE), "retire | - |"),
        (Waiting("until tomorrow", until=DAY + timedelta(days=1)), "waiting until 2026-11-21"),
        (Waiting("apply introduce first"), "waiting: apply introduce first | - |"),
        (Blocked("the stage takes its id from a module", "move it"), "**blocked**: the stage"),
        (Done(), "done | - | 2026-12-05 | #7 |"),
    ],
)
def test_a_row_names_the_next_step_in_words(step, says):
    """A row has the step, the deadline of a phase, the end and the request."""
    text = dashboard([row(step, request="#7")], (), limit=10**5)
    assert f"| `{OLD}` | `live/orders` | {says}" in text
    assert "Could not be read" not in text


def test_without_rotations_the_text_says_so_and_names_what_was_not_read():
    """An empty list says so; root modules that could not be read are named with their number."""
    assert dashboard([], (), limit=10**5).endswith("No rotation is due or under way.")
    text = dashboard([], ("live/<b>",), limit=10**5)
    assert text.endswith("**Could not be read:** 1 root module\n\n- `live/<b>`")
    assert "**Could not be read:** 2 root modules\n" in dashboard([], ("a", "b"), limit=10**5)


@pytest.mark.parametrize("limit", [1_200, 400, 1])
def test_a_long_text_is_cut_and_counts_what_it_leaves_out(limit):
    """A long list is cut at the limit, and counts all rotations and all unread root modules."""
    names = [f"live/module-{number}" for number in range(9)]
    text = dashboard([row(Next(Phase.INTRODUCE))] * 30, names, limit=limit)
    assert size(text) <= max(limit, 300)
    left = 30 - text.count(OLD)
    assert f"… and {left} more rotations" in text
    assert "**Could not be read:** 9 root modules" in text
    assert "No rotation is due" not in text


def test_one_rotation_left_out_is_one():
    """One rotation that does not fit is counted in the singular."""
    text = dashboard([row(Next(Phase.INTRODUCE))], (), limit=200)
    assert text.endswith("… and 1 more rotation")
