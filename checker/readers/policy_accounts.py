"""How each account is entered, as a policy file says: `[accounts."123456789012"]` with a role and an external id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checker.domain.policy import AccountAccess
from checker.domain.text_values import Mismatch
from checker.readers.policy_shape import ROLE_ARN


def read_accounts(tables: Mapping[str, Mapping[str, Any]]) -> tuple[AccountAccess, ...]:
    """Read the accounts of a policy that fits its shape, in the order of their numbers.

    Raises Mismatch for a role of another account.
    """
    return tuple(_read(account, tables[account]) for account in sorted(tables))


def _read(account: str, table: Mapping[str, Any]) -> AccountAccess:
    role = table.get("role")
    found = re.fullmatch(ROLE_ARN, role, re.ASCII) if role is not None else None
    if found is not None and found[1] != account:
        raise Mismatch(
            ("accounts", account, "role"), f"accounts.{account}.role is of account {found[1]}", f"name a role of account {account}"
        )
    return AccountAccess(account=account, role=role, external_id=table.get("external_id"))
