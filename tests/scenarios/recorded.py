"""Record the rotations and findings of a run as JSON, with their full text, and compare them.

`TFCERT_RECORD=1` writes the file again; review the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from checker.model.address import Address
from checker.model.finding import Finding


def plain(value: object) -> object:
    """Return a value as JSON.

    A struct with only text fields becomes one string; empty fields are dropped.
    """
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Struct) and not isinstance(value, Address):
        named = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        empty = ("None", [], "", "False")
        filled = {name: each for name, each in named.items() if each not in empty}
        if all(isinstance(each, str) for each in filled.values()):
            return ", ".join((type(value).__name__, *(f"{n}: {v}" for n, v in filled.items())))
        return filled
    return str(value)


def texts(findings: Iterable[Finding]) -> list[str]:
    """Return each finding as one line, in the order of the reports."""
    return [
        f"{each.severity.word} {each.rule}: {each.address} ({each.location}): {each.message}; "
        f"{each.remedy}" + (f" [until {each.not_before}]" if each.not_before else "")
        for each in findings
    ]


def assert_recorded(name: str, found: object, file: Path) -> None:
    """Compare a result with the recorded one of this name."""
    recorded = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if os.environ.get("TFCERT_RECORD"):
        recorded[name] = found
        text = json.dumps(dict(sorted(recorded.items())), indent=1) + "\n"
        file.write_text(text, encoding="utf-8")
    assert found == recorded[name]
