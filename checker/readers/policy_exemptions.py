"""The exemptions of a policy file."""

from __future__ import annotations

from checker.domain.exemption import Exemption
from checker.domain.finding import SuppressedBy
from checker.domain.text_values import day
from checker.readers.policy_scopes import check_no_pattern, read_conditions
from checker.readers.sheet import Sheet


def read_exemption(sheet: Sheet, index: int) -> Exemption:
    """Read one `[[exemption]]` of a sheet; raises Mismatch for an address that is none."""
    table = sheet.values["exemption"][index]
    at = ("exemption", index)
    address = table.get("address")
    if address is not None:
        check_no_pattern(address, (*at, "address"))
    until = day(table["until"])
    assert until is not None  # noqa: S101 -- the sheet fits its shape
    return Exemption(
        rule=table["rule"],
        until=until,
        reason=table["reason"].strip(),
        kind=SuppressedBy.POLICY,
        addresses=frozenset({address} if address is not None else ()),
        certificate_id=table.get("certificate_id"),
        owner=table.get("owner"),
        location=sheet.location(at),
        where=read_conditions(table, at),
    )
