"""One object of ours as a document holds it, before its attributes are read."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, Raw, UnsetType

from checker.domain.address import Address, AddressError, InstanceKey, parse
from checker.domain.place import Place
from checker.domain.value import value
from checker.readers.decoding import decode
from checker.readers.spot import Spot

NOTHING = Raw(b"{}")
ALL = frozenset({"*"})
_EXACT = 2**53  # up to here every whole number has a floating-point form of its own


@value
class Record:
    """An object of a type of ours: its attributes still as JSON, and the names of those that are marked sensitive.

    `unknown` names the attributes that are known only after apply. `place` is what else is known of where it lives; `provider`
    is the same for objects of one provider configuration, as far as the document tells, and None where it tells nothing.
    """

    address: Address
    type: str
    attributes: Raw
    spot: Spot
    deposed: str | None = None
    sensitive: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    place: Place = Place()
    provider: str | None = None
    tainted: bool = False

    def hides(self, name: str) -> bool:
        """Whether the document marks this attribute, or the whole object, as sensitive."""
        return name in self.sensitive or self.sensitive is ALL

    def awaits(self, name: str) -> bool:
        """Whether this attribute is known only after apply."""
        return name in self.unknown or self.unknown is ALL


def given(value: Raw | UnsetType) -> Raw | None:
    """A value that a document may leave out or write as null: both are None."""
    return None if value is UNSET or bytes(value).strip() == b"null" else value


def read_address(text: str, spot: Spot) -> Address:
    """Parse the address of an object of ours.

    Raises UnreadableError for a text that is none, without quoting it.
    """
    try:
        return parse(text)
    except AddressError as error:
        raise spot.unreadable("is not the address of a resource instance") from error


def read_key(key: float | str | None, spot: Spot) -> InstanceKey:
    """Read the key of an instance; raises UnreadableError for a number that is none."""
    if not isinstance(key, float):
        return key
    # Some writers print every number as a float; only a whole one is an instance's key.
    if not key.is_integer() or not 0 <= key < _EXACT:
        raise spot.unreadable("is not the key of an instance")
    return int(key)


def marked(marks: Raw | UnsetType, spot: Spot) -> frozenset[str]:
    """The attributes that a parallel object of marks (`*_sensitive`, `after_unknown`) marks, wholly or in part.

    Source: terraform, docs/internals/json-format: true for a marked leaf or subtree; unmarked ones are left out, or are
    empty objects and arrays.
    """
    if marks is UNSET:
        return frozenset()
    found = decode(marks, object, spot)
    if isinstance(found, dict):
        return frozenset(name for name, mark in found.items() if _any_true(mark))
    return ALL if found is True else frozenset()


def _any_true(mark: object) -> bool:
    waiting = [mark]
    while waiting:
        one = waiting.pop()
        if one is True:
            return True
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def marked_in_state(paths: Iterable[list[dict[str, Raw]]], spot: Spot) -> frozenset[str]:
    """The attributes that a raw state's `sensitive_attributes` name, wholly or in part.

    Source: terraform internal/states/statefile/version4.go, `marshalPaths`.
    """
    names: set[str] = set()
    for index, path in enumerate(paths):
        if not path:
            return ALL
        step = path[0].get("value", NOTHING)
        names.add(decode(step, str, spot.item(index).item(0).key("value")))
    return frozenset(names)
