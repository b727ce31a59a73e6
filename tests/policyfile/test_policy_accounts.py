"""The `[accounts]` table of a policy: how to access each account."""

from __future__ import annotations

import pytest

from checker.errors import UsageError
from checker.model.policy import AccountAccess
from checker.policyfile.resolve import read_policy


def accounts_of(text):
    return read_policy("tfcert.toml", text.encode()).accounts


def test_accounts_are_read_in_the_order_of_their_numbers():
    """Accounts are read in numeric order, with a role by ARN or name, an external id, or
    neither.
    """
    text = """
        [accounts."222222222222"]
        role = "arn:aws-us-gov:iam::222222222222:role/audit/tfcert"
        external_id = "acme:7"
        [accounts."111111111111"]
        role = "tfcert-read"
        [accounts."333333333333"]
    """
    assert accounts_of(text) == (
        AccountAccess(account="111111111111", role="tfcert-read"),
        AccountAccess(
            account="222222222222",
            role="arn:aws-us-gov:iam::222222222222:role/audit/tfcert",
            external_id="acme:7",
        ),
        AccountAccess(account="333333333333"),
    )
    assert accounts_of("") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("accounts = 3", "accounts is the number 3 and not a table"),
        ("[accounts.12345678901]", "'12345678901' is not an account, which has twelve digits"),
        (
            'accounts."123456789012" = "role"',
            "accounts.123456789012 is the text 'role' and not a table",
        ),
        (
            '[accounts."123456789012"]\nrol = "r"',
            "unknown key 'rol' in accounts.123456789012 (did you mean 'role'?)",
        ),
        (
            '[accounts."123456789012"]\nrole = "arn:aws:iam::111111111111:role/r"',
            ".role is of account 111111111111",
        ),
        (
            '[accounts."123456789012"]\nrole = "arn:aws:iam::123456789012:user/r"',
            "and not a role's ARN or its name",
        ),
        (
            '[accounts."123456789012"]\nrole = 7',
            ".role is the number 7 and not a role's ARN or its name",
        ),
        (
            '[accounts."123456789012"]\nexternal_id = "a b"',
            ".external_id is 'a b' and not an external id that STS takes",
        ),
    ],
)
def test_an_account_that_cannot_be_entered_so_is_refused(text, says):
    """An invalid account, role or external id is an error that names the key and line."""
    with pytest.raises(UsageError) as caught:
        accounts_of(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"tfcert.toml:{text.count(chr(10)) + 1}: ")
