"""Policy files: TOML in, a policy out, and no key that is not known."""

from __future__ import annotations

import difflib
from typing import Any

from checker.domain.errors import UsageError
from checker.domain.policy import FailOn, Policy

_DAYS = ("threshold_days", "notice_days", "trust_window_days", "margin_days")
_KEYS = (*_DAYS, "certificate_quota", "name", "fail_on", "accounts")


def read_policy(path: str, data: bytes, *, name: str = "tfcert.toml") -> Policy:
    """Read a policy; what it does not say is as in the pack `default`.

    Raises UsageError naming the file, the key and the nearest right one.
    """
    import tomllib

    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not TOML: {error}", where=path, remedy="mend the policy file") from error
    for key in values:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            raise UsageError(
                f"unknown key {key!r}", where=path, remedy=f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_KEYS)}"
            )
    settings: dict[str, Any] = {"name": name}
    for key in _DAYS:
        if key in values:
            settings[key] = _days(path, key, values[key])
    if "certificate_quota" in values:
        settings["certificate_quota"] = _quota(path, values["certificate_quota"])
    if "name" in values:
        settings["name"] = _text(path, "name", values["name"])
    if "fail_on" in values:
        settings["fail_on"] = _fail_on(path, values["fail_on"])
    if "accounts" in values:
        from checker.readers.policy_accounts import read_accounts

        settings["accounts"] = read_accounts(path, values["accounts"])
    return checked(Policy(**settings), where=path)


def checked(policy: Policy, *, where: str) -> Policy:
    """Refuse a policy that contradicts itself; raises UsageError."""
    if policy.notice_days < policy.threshold_days:
        raise UsageError(
            f"notice_days is {policy.notice_days}, below threshold_days, {policy.threshold_days}",
            where=where,
            remedy="a warning comes before an error: make the notice the larger of the two",
        )
    return policy


def _days(path: str, key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 3650:
        raise UsageError(f"{key} is not a whole number of days from 0 to 3650", where=path, remedy=f"write {key} = 30")
    return value


def _quota(path: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError("certificate_quota is not a whole number from 1 on", where=path, remedy="write certificate_quota = 60")
    return value


def _text(path: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{key} is not a text", where=path, remedy=f'write {key} = "…"')
    return value


def _fail_on(path: str, value: object) -> FailOn:
    words = ", ".join(FailOn)
    if not isinstance(value, str) or value not in set(FailOn):
        raise UsageError(f"fail_on is none of {words}", where=path, remedy='write fail_on = "error"')
    return FailOn(value)
