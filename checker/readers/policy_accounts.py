"""How each account is entered, as a policy file says: `[accounts."123456789012"]` with a role and an external id."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from checker.domain.errors import UsageError
from checker.domain.policy import AccountAccess

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
# What IAM allows. Source: IAM API reference, CreateRole (RoleName, Path) and STS, AssumeRole (ExternalId).
_ROLE_ARN = re.compile(r"arn:[a-z][a-z-]*:iam::([0-9]{12}):role/(?:[!-\x7e]{0,510}/)?[\w+=,.@-]{1,64}", re.ASCII)
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_KEYS = ("role", "external_id")


def read_accounts(path: str, tables: object) -> tuple[AccountAccess, ...]:
    """Read the accounts of a policy, in the order of their numbers; raises UsageError naming the file and the key."""
    if not isinstance(tables, dict):
        raise UsageError("accounts is not a table", where=path, remedy='write [accounts."123456789012"]')
    return tuple(sorted(_read(path, tables), key=lambda access: access.account))


def _read(path: str, tables: dict[str, object]) -> Iterator[AccountAccess]:
    for account, table in tables.items():
        at = f'accounts."{account}"'
        if not _ACCOUNT.fullmatch(account):
            raise UsageError(f"{at}: {account!r} is no account", where=path, remedy="an account has twelve digits, in quotes")
        if not isinstance(table, dict):
            raise UsageError(f"{at} is not a table", where=path, remedy=f'write [accounts."{account}"]')
        for key in table:
            if key not in _KEYS:
                near = difflib.get_close_matches(key, _KEYS, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_KEYS)}"
                raise UsageError(f"unknown key {key!r} in {at}", where=path, remedy=remedy)
        yield AccountAccess(
            account=account,
            role=_role(path, at, account, table.get("role")),
            external_id=_external_id(path, at, table.get("external_id")),
        )


def _role(path: str, at: str, account: str, role: object) -> str | None:
    if role is None:
        return None
    found = _ROLE_ARN.fullmatch(role) if isinstance(role, str) else None
    if found is not None and found[1] != account:
        raise UsageError(f"{at}.role is of account {found[1]}", where=path, remedy=f"name a role of account {account}")
    if not isinstance(role, str) or (found is None and not _ROLE_NAME.fullmatch(role)):
        raise UsageError(
            f"{at}.role is neither a role's ARN nor its name", where=path, remedy=f'write role = "arn:aws:iam::{account}:role/NAME"'
        )
    return role


def _external_id(path: str, at: str, text: object) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str) or not _EXTERNAL_ID.fullmatch(text):
        raise UsageError(f"{at}.external_id is none that STS takes", where=path, remedy="2 to 1224 letters, digits and +=,.@:/-_")
    return text
