"""The `[comment]` table of a policy: `applies`, and the address of the rule pages."""

from __future__ import annotations

import pytest

from checker.errors import UsageError
from checker.model.policy import Applies
from checker.policyfile.resolve import read_policy


def policy(text):
    return read_policy("tfcert.toml", text.encode())


def test_a_change_is_applied_after_the_review_unless_the_policy_says_otherwise():
    """Changes are applied after the review by default; `applies` selects the verb "apply" or
    "merge".
    """
    assert policy("").applies is Applies.ON_APPLY
    found = policy('[comment]\napplies = "on-merge"\nrule_pages = "https://e.example/rules/"\n')
    assert (found.applies, found.rule_pages) == (Applies.ON_MERGE, "https://e.example/rules")
    assert (Applies.ON_MERGE.verb, Applies.ON_APPLY.verb) == ("merge", "apply")


@pytest.mark.parametrize(
    "text",
    [
        'applies = "on_merge"',
        'rule_pages = "http://e.example"',
        'rule_pages = "https://e.example/a b"',
        'rule_pages = "https://e.example/)[x](y"',
        'rule_pages = "https://e.example/?a=b"',
        'merges = "yes"',
        "",
    ],
)
def test_what_no_report_can_use_is_an_error(text):
    """An invalid `applies` word or an unsafe `rule_pages` address is an error."""
    with pytest.raises(UsageError):
        policy(f"[comment]\n{text}\n")


def test_policy_show_prints_what_is_set(tfcert, tmp_path):
    """`policy show` prints the `[comment]` table with its line."""
    (tmp_path / "tfcert.toml").write_text('[comment]\napplies = "on-merge"\n')
    shown = tfcert("policy", "show", cwd=tmp_path).stdout.decode()
    assert '[comment]\napplies = "on-merge"  # tfcert.toml:2' in shown
