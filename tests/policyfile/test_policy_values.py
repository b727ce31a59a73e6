"""Single values of a policy: from variables of the environment, and of a wrong kind."""

from __future__ import annotations

from datetime import date

import pytest

from checker.model.policy import FailOn, Untouched
from checker.policyfile.resolve import VALUES, read_environment
from checker.policyfile.validate import Mismatch, validate


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("TFCERT_UNTOUCHED", "note", Untouched.NOTE),
        ("TFCERT_FAIL_ON", "never", FailOn.NEVER),
        ("TFCERT_THRESHOLD", "30", 30),
    ],
)
def test_a_variable_gives_the_value_that_the_policy_would(name, text, value):
    """With the type that the setting has in a file."""
    ((found, (_, given)),) = read_environment({name: text})
    assert (found, given) == (name, value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"a": 1}, "a table"),
        ([1], "an array"),
        (1.5, "with a point"),
        (date(2026, 1, 1), "a date or a time"),
    ],
)
def test_a_value_of_a_wrong_kind_is_named_by_its_kind(value, kind):
    """So that the user finds it in the file."""
    with pytest.raises(Mismatch) as error:
        validate(value, VALUES["fail_on"], ("fail_on",))
    assert kind in error.value.message
