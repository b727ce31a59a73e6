"""Each rule's fields have all that the policy and the pages need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checker.model.outcome import UNVERIFIED
from checker.policyfile.schema import POLICY
from checker.rules import RULES

CHECKER = Path(__file__).parents[2] / "checker"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_gives_a_reason_for_each_weight_that_it_refuses(rule):
    """A rule has `mildest_because` exactly if a policy may not switch it off."""
    assert (rule.mildest is not None) == bool(rule.mildest_because)
    refused = POLICY.keys["rules"].keys[rule.name].unless
    assert all(reason.endswith(f", since {rule.mildest_because}") for reason in refused.values())
    assert ("off" in refused) == (rule.mildest is not None)


def test_no_two_headlines_have_one_rank():
    """Headlines have distinct ranks, so the order of findings does not change the page's first
    sentence.
    """
    headlines = {rule.headline for rule in RULES if rule.headline is not None}
    assert len({headline.rank for headline in headlines}) == len(headlines) == 5
    for headline in headlines:
        for text in (headline.one, headline.many):
            assert "{" not in text.format(count="2", soonest="in 3 days")


def test_no_module_outside_the_rules_names_a_rule():
    """Only `model/outcome.py` names a rule outside the rules' folder, so a new rule changes no
    other module.
    """
    names = "|".join(rule.name for rule in RULES)
    found = [
        (path.relative_to(CHECKER).as_posix(), name)
        for path in sorted(CHECKER.rglob("*.py"))
        if path.parent.name != "rules"
        for name in re.findall(rf'"({names})"', path.read_text(encoding="utf-8"))
    ]
    assert found == [("model/outcome.py", UNVERIFIED)]
