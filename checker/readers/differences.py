"""What a planned change changes, attribute by attribute."""

from __future__ import annotations

from collections.abc import Mapping

from checker.readers.stages import PRESENTED

_TAGS = frozenset({"tags", "tags_all"})


def differing(before: Mapping[str, object], after: Mapping[str, object], unknown: frozenset[str]) -> frozenset[str]:
    """The top-level attributes that differ, or that are known only after apply.

    Not a change: tags that are null on one side and empty on the other (the provider writes either after a refresh), and a
    certificate id that goes from the empty string to null.
    """
    names = before.keys() | after.keys()
    return unknown | {name for name in names if _settled(name, before.get(name)) != _settled(name, after.get(name))}


def _settled(name: str, value: object) -> object:
    if name in _TAGS:
        return value or None
    if name == PRESENTED:
        return value or None
    # True equals 1 in Python, and not in JSON.
    return str(value) if isinstance(value, bool) else value
