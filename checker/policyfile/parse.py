"""Parse TOML tables into Scope, Exemption and AccountAccess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checker.model.address import AddressError, parse
from checker.model.conditions import Conditions
from checker.model.exemptions import Exemption
from checker.model.finding import SuppressedBy
from checker.model.policy import (
    AccountAccess,
    Applies,
    Grouping,
    ProbeSettings,
    ProposeSettings,
    Scope,
    Setting,
    Untouched,
    Weights,
    WindowWaiver,
)
from checker.model.severity import FailOn, Severity
from checker.model.text_values import Keys, Mismatch, parse_day
from checker.model.trust import TrustBackend
from checker.policyfile.schema import OFF, ROLE_ARN, VALUES, WholeNumber
from checker.policyfile.toml_file import TomlFile

_NUMBERS = tuple(name for name, shape in VALUES.items() if isinstance(shape, WholeNumber))
_SEVERITIES = {severity.word: severity for severity in Severity}


def read_scope(toml_file: TomlFile, index: int) -> Scope:
    """Read one `[[scope]]` ; raises Mismatch for a pattern that no address can match."""
    table = toml_file.values["scope"][index]
    at = ("scope", index)
    return Scope(
        conditions=read_conditions(table, at),
        values=read_settings(table),
        rules=read_weights(table),
        probe=read_probe(table),
        propose=read_propose(table),
        name=table.get("name"),
        location=toml_file.location(at),
    )


def read_conditions(table: Mapping[str, Any], at: Keys) -> Conditions:
    """Return the conditions of a scope, or those that narrow an exemption.

    The `address` of an exemption is not one of them.
    """
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
        tags=tuple(
            sorted((key, _several(patterns)) for key, patterns in table.get("tags", {}).items())
        ),
    )


def read_settings(table: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the values that a policy or a scope sets, by field name."""
    found: list[Setting] = [(name, table[name]) for name in _NUMBERS if name in table]
    if "fail_on" in table:
        found.append(("fail_on", FailOn(table["fail_on"])))
    if "untouched" in table:
        found.append(("untouched", Untouched(table["untouched"])))
    if "trust_window_waiver" in table:
        found.append(("trust_window_waiver", WindowWaiver(table["trust_window_waiver"])))
    return tuple(found)


def read_applies(table: Mapping[str, Any]) -> Applies | None:
    """Return when a policy says that changes are applied; None if it does not say."""
    word = table.get("comment", {}).get("applies")
    return Applies(word) if word is not None else None


def read_rule_pages(table: Mapping[str, Any]) -> str | None:
    """Return the address of the rules' pages, without a slash at the end."""
    address = table.get("comment", {}).get("rule_pages")
    return str(address).rstrip("/") if address is not None else None


def read_weights(table: Mapping[str, Any]) -> Weights:
    """Return the rule weights that a policy or a scope sets, in the order of rule names."""
    rules: Mapping[str, str] = table.get("rules", {})
    return tuple(
        (name, None if word == OFF else _SEVERITIES[word]) for name, word in sorted(rules.items())
    )


def read_probe(table: Mapping[str, Any]) -> ProbeSettings:
    """Return the `probe` settings of a policy or a scope."""
    found: Mapping[str, Any] = table.get("probe", {})
    statuses = found.get("refused_statuses")
    return ProbeSettings(
        methods=_several(found.get("method")),
        refused_statuses=tuple(sorted(set(statuses))) if statuses is not None else None,
        headers=tuple(
            (name, variable.removeprefix("env:"))
            for name, variable in sorted(found.get("headers", {}).items())
        ),
    )


def read_propose(table: Mapping[str, Any]) -> ProposeSettings:
    """Return the `propose` settings of a policy or a scope."""
    found: Mapping[str, Any] = table.get("propose", {})
    group = found.get("group")
    return ProposeSettings(
        reviewers=_several(found.get("reviewers")),
        labels=_several(found.get("labels")),
        group=Grouping(group) if group is not None else None,
        limit=found.get("limit"),
        schedule=_several(found.get("schedule")),
    )


def check_no_pattern(text: str, at: Keys) -> None:
    """Raise Mismatch for an invalid address, or for a pattern where one address is required."""
    if "*" in text or "?" in text:
        raise Mismatch(
            at,
            f"{text!r} is a pattern, and an exemption names one address",
            "write the address, or set `rules` in a [[scope]]",
        )
    _check_address(text, at)


def _check_address(pattern: str, at: Keys) -> None:
    if "*" in pattern or "?" in pattern:
        return
    try:
        parse(pattern)
    except AddressError as error:
        remedy = (
            f'for all that is in a module write "{pattern.rstrip(".")}.*"'
            if pattern.startswith("module.")
            else "write TYPE.NAME"
        )
        raise Mismatch(at, f"{pattern!r} is not the address of a resource", remedy) from error


def _several(found: str | list[str] | None) -> tuple[str, ...]:
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else tuple(found)


def read_exemption(toml_file: TomlFile, index: int) -> Exemption:
    """Read one `[[exemption]]` ; raises Mismatch for an invalid address."""
    table = toml_file.values["exemption"][index]
    at = ("exemption", index)
    address = table.get("address")
    if address is not None:
        check_no_pattern(address, (*at, "address"))
    until = parse_day(table["until"])
    assert until is not None  # noqa: S101 -- the file fits its shape
    return Exemption(
        rule=table["rule"],
        until=until,
        reason=table["reason"].strip(),
        kind=SuppressedBy.POLICY,
        addresses=frozenset({address} if address is not None else ()),
        certificate_id=table.get("certificate_id"),
        owner=table.get("owner"),
        location=toml_file.location(at),
        where=read_conditions(table, at),
    )


def read_accounts(tables: Mapping[str, Mapping[str, Any]]) -> tuple[AccountAccess, ...]:
    """Read the accounts of a policy that fits the schema, in the order of their numbers.

    Raises Mismatch for a role of another account.
    """
    return tuple(_read(account, tables[account]) for account in sorted(tables))


def read_backends(toml_file: TomlFile) -> tuple[TrustBackend, ...]:
    """Read the backends of a policy file, by name; their bundles are not read.

    A path is relative to the file. Raises Mismatch for a stage that is not an address.
    """
    tables = toml_file.values.get("trust", {}).get("backends", {})
    return tuple(_backend(toml_file, name, tables[name]) for name in sorted(tables))


def _backend(toml_file: TomlFile, name: str, table: Mapping[str, Any]) -> TrustBackend:
    stages = _several(table["stages"])
    for pattern in stages:
        _check_address(pattern, ("trust", "backends", name, "stages"))
    bundle, consumer = table.get("bundle"), table.get("consumer")
    if consumer is not None:
        _check_address(consumer, ("trust", "backends", name, "consumer"))
    if bundle is not None and consumer is not None:
        raise Mismatch(
            ("trust", "backends", name, "consumer"),
            f"backend {name} has a bundle and a consumer",
            "leave one of them out",
        )
    if bundle is not None and not bundle.startswith(("s3://", "https://")):
        bundle = str(Path(toml_file.path).parent / bundle)
    return TrustBackend(
        name=name, stages=stages, bundle=bundle, consumer=consumer, server=table.get("server")
    )


def _read(account: str, table: Mapping[str, Any]) -> AccountAccess:
    role = table.get("role")
    found = re.fullmatch(ROLE_ARN, role, re.ASCII) if role is not None else None
    if found is not None and found[1] != account:
        raise Mismatch(
            ("accounts", account, "role"),
            f"accounts.{account}.role is of account {found[1]}",
            f"name a role of account {account}",
        )
    return AccountAccess(account=account, role=role, external_id=table.get("external_id"))
