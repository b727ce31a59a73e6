"""The scopes of a policy file: patterns of what they are about, and the values that hold there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checker.domain.address import AddressError, parse
from checker.domain.conditions import Conditions
from checker.domain.policy import Scope, Setting, Untouched, Weights
from checker.domain.severity import FailOn, Severity
from checker.domain.text_values import Keys, Mismatch
from checker.readers.policy_shape import OFF, VALUES
from checker.readers.shapes import Whole
from checker.readers.sheet import Sheet

_NUMBERS = tuple(name for name, shape in VALUES.items() if isinstance(shape, Whole))
_SEVERITIES = {severity.word: severity for severity in Severity}


def read_scope(sheet: Sheet, index: int) -> Scope:
    """Read one `[[scope]]` of a sheet; raises Mismatch for a pattern that no address can fit."""
    table = sheet.values["scope"][index]
    at = ("scope", index)
    return Scope(
        conditions=read_conditions(table, at),
        values=read_settings(table),
        rules=read_weights(table),
        name=table.get("name"),
        location=sheet.location(at),
    )


def read_conditions(table: Mapping[str, Any], at: Keys) -> Conditions:
    """The conditions of a scope, or those that narrow an exemption; its `address` is not among them there."""
    if "exemption" not in at:
        for pattern in _several(table.get("address")):
            _check_address(pattern, (*at, "address"))
    return Conditions(
        address=_several(table.get("address")) if "exemption" not in at else (),
        account=_several(table.get("account")),
        region=_several(table.get("region")),
        workspace=_several(table.get("workspace")),
        directory=tuple(pattern.removeprefix("./") for pattern in _several(table.get("directory"))),
        stage=_several(table.get("stage")),
        api=_several(table.get("api")),
        tags=tuple(sorted((key, _several(patterns)) for key, patterns in table.get("tags", {}).items())),
    )


def read_settings(table: Mapping[str, Any]) -> tuple[Setting, ...]:
    """The values that a policy or a scope sets, by the names of their fields."""
    found: list[Setting] = [(name, table[name]) for name in _NUMBERS if name in table]
    if "fail_on" in table:
        found.append(("fail_on", FailOn(table["fail_on"])))
    if "untouched" in table:
        found.append(("untouched", Untouched(table["untouched"])))
    return tuple(found)


def read_weights(table: Mapping[str, Any]) -> Weights:
    """What a policy or a scope lets rules weigh, in the order of their names."""
    rules: Mapping[str, str] = table.get("rules", {})
    return tuple((name, None if word == OFF else _SEVERITIES[word]) for name, word in sorted(rules.items()))


def check_no_pattern(text: str, at: Keys) -> None:
    """Refuse an address that is none, or a pattern where one address is meant; raises Mismatch."""
    if "*" in text or "?" in text:
        raise Mismatch(
            at, f"{text!r} is a pattern, and an exemption names one address", "write the address, or set `rules` in a [[scope]]"
        )
    _check_address(text, at)


def _check_address(pattern: str, at: Keys) -> None:
    if "*" in pattern or "?" in pattern:
        return
    try:
        parse(pattern)
    except AddressError as error:
        remedy = (
            f'for all that is in a module write "{pattern.rstrip(".")}.*"' if pattern.startswith("module.") else "write TYPE.NAME"
        )
        raise Mismatch(at, f"{pattern!r} is not the address of a resource", remedy) from error


def _several(found: str | list[str] | None) -> tuple[str, ...]:
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else tuple(found)
