"""Tags of a stage or a certificate, which the scopes of a policy may ask for."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec import UNSET, Raw, UnsetType

from checker.domain.errors import UnreadableError
from checker.readers.decoding import decode
from checker.readers.records import Record, given

if TYPE_CHECKING:
    from checker.domain.conditions import Tags


def read_tags(record: Record, own: Raw | UnsetType, every: Raw | UnsetType, asked: Collection[str]) -> Tags | None:
    """The tags of an object that are asked for, those that the provider adds among them.

    None where no document shows them, or where they are hidden. The provider aws has a mapping, `awscc` a list of keys and values;
    anything else is taken for not known.
    """
    if not asked:
        return None
    for name, value in (("tags_all", every), ("tags", own)):
        if record.awaits(name) or record.hides(name):
            return None
        found = given(value) if value is not UNSET else None
        if found is not None:
            return _read(found, record, asked)
    return () if own is not UNSET or every is not UNSET else None


def _read(found: Raw, record: Record, asked: Collection[str]) -> Tags | None:
    try:
        if bytes(found).lstrip().startswith(b"["):
            pairs = decode(found, list[dict[str, str | None]], record.spot)
            tags = [(entry.get("key"), entry.get("value")) for entry in pairs]
        else:
            tags = list(decode(found, dict[str | None, str | None], record.spot).items())
    except UnreadableError:
        return None
    return tuple(sorted((key, text) for key, text in tags if key in asked and key is not None and text is not None))
