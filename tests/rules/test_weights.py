"""The severity that a policy gives to the findings of a rule."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, lineage, making, said, stage
from msgspec.structs import replace

from checker.model.plan import Plan
from checker.model.policy import Policy
from checker.model.severity import Severity
from checker.rules import judge

TWICE = [
    replace(
        document([certificate("old", 300)], []),
        source=replace(document().source, path=path),
    )
    for path in ("a", "b")
]
ENDING = [document([certificate("old", left)], [stage("prod", "old")]) for left in (40, 20)]


@pytest.mark.parametrize("weight", Severity)
def test_a_policy_makes_a_rule_milder_or_heavier(weight):
    """managed-twice is a warning by itself."""
    policy = Policy(rules=(("managed-twice", weight),))
    assert said(cases_of(*TWICE, policy=policy))["managed-twice"] == weight.word


@pytest.mark.parametrize(
    ("weight", "within_notice", "within_threshold"),
    [
        (Severity.ERROR, "warning", "error"),
        (Severity.WARNING, "warning", "warning"),
        (Severity.NOTE, "note", "note"),
    ],
)
def test_a_heavier_weight_leaves_what_is_only_within_the_notice(
    weight, within_notice, within_threshold
):
    """A milder weight is the most that any finding of the rule gets."""
    policy = Policy(rules=(("certificate-expiring", weight),))
    for found, word in zip(ENDING, (within_notice, within_threshold), strict=True):
        assert said(cases_of(found, policy=policy)) == {"certificate-expiring": word}


def test_a_second_successor_is_beside_the_first_in_state_or_in_the_same_plan():
    declared = lineage(old=None, new="old", third="old")
    made = (making("new"), making("third"))
    for known, plan, words in (
        ([certificate("new", 360)], Plan(certificates=made[1:]), "which is in state"),
        ([], Plan(certificates=made), "which the same plan makes"),
    ):
        found = document([certificate("old"), *known], plan=plan, declared=declared)
        messages = [
            each.message for each in judge(cases_of(found)) if "second successor" in each.message
        ]
        assert len(messages) == 1
        assert messages[0].endswith(words)
