"""The values of scopes over those of the policy, in the parts of `probe` and `propose` too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checker.model.conditions import Conditions
from checker.model.deadlines import moment
from checker.model.policy import Grouping, Policy, ProbeSettings, ProposeSettings, Scope


def scope(**more):
    return Scope(conditions=Conditions(), **more)


def test_a_scope_replaces_what_it_sets_and_nothing_else():
    """The last scope wins; a policy's own value stays where no scope sets it."""
    policy = Policy(
        propose=ProposeSettings(reviewers=("a",), labels=("l",), limit=3, schedule=("monday",)),
        probe=ProbeSettings(headers=(("x", "1"), ("y", "2"))),
        scopes=(
            scope(
                propose=ProposeSettings(reviewers=("b",), group=Grouping.ROOT),
                probe=ProbeSettings(headers=(("y", "3"),), refused_statuses=()),
                values=(("threshold_days", 9),),
            ),
            scope(propose=ProposeSettings(labels=("m",)), values=(("threshold_days", 8),)),
        ),
    )
    both = policy.under((0, 1))
    assert both.propose == ProposeSettings(
        reviewers=("b",), labels=("m",), group=Grouping.ROOT, limit=3, schedule=("monday",)
    )
    assert both.probe == ProbeSettings(headers=(("x", "1"), ("y", "3")), refused_statuses=())
    assert both.threshold_days == 8
    assert policy.under((1,)).propose.reviewers == ("a",)
    assert policy.under(()) == policy


def test_the_notice_is_never_shorter_than_the_threshold():
    policy = Policy(scopes=(scope(values=(("threshold_days", 90),)),))
    assert policy.under((0,)).notice_days == 90
    assert policy.under(()).notice_days == 60


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ((2026, 11, 23), "2026-11-23"),
        ((2026, 11, 23, 0, 1), "2026-11-23 00:01 UTC"),
        ((2026, 11, 23, 9, 5, 0, 1), "2026-11-23 09:06 UTC"),
        ((2026, 11, 23, 23, 59, 30), "2026-11-24"),
        ((2026, 12, 31, 23, 59, 59, 999_999), "2027-01-01"),
    ],
)
def test_a_moment_is_printed_to_the_minute_and_never_before_it(at, text):
    assert moment(datetime(*at, tzinfo=UTC)) == text
