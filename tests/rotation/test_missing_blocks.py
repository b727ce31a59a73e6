"""A certificate whose block is gone, beside files in JSON that were searched for its name."""

from __future__ import annotations

import pytest
from builders import cases_of
from test_recorded_steps import OLD_CERTIFICATE, facts, given
from world import CERTIFICATE

from checker.model.rotation import Blocked
from checker.rotation.planner import plan_rotations


@pytest.mark.parametrize(
    ("unread", "words"),
    [((), ""), (("a.tf.json",), " (it is not in a.tf.json)"),
     (("a.tf.json", "b.tf.json"), " (it is not in a.tf.json, b.tf.json)")],
)  # fmt: skip
def test_the_searched_files_are_named(unread, words):
    others = {name: frozenset({((), CERTIFICATE, "other")}) for name in unread}
    (found,) = plan_rotations(
        cases_of(given(facts(unread=unread, named_in_json=others), OLD_CERTIFICATE))
    )
    assert isinstance(found.step, Blocked)
    assert found.step.reason.startswith(f"its block is no longer in the configuration{words}, ")
