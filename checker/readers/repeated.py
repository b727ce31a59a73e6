"""Properties that a shown state holds twice, below its top: `resources`, `child_modules`, `values` and the rest.

JSON parsers differ in which of the two they take, so that tfcert and another tool could read two different states.
Source: RFC 8259, section 4.

A second look at each level would take as long as reading the document. A document that is large is therefore counted: a list of
resources that another one replaced was decoded too, and its resources are missing from what was read.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Raw

from checker.readers.decoding import AGAIN, decode, items, members
from checker.readers.envelope import PriorState, ShownModule, ShownValues, decoded
from checker.readers.spot import Spot

# Up to this size, in bytes, looking at each level takes one or two milliseconds.
SMALL = 64 * 1024
_LEVELS = frozenset({"values", "root_module", "resources", "child_modules"})


def read_values(raw: Raw, spot: Spot) -> ShownValues:
    """Read the values of a shown state; raises UnreadableError for a property that is there twice."""
    before = decoded.count
    found = decode(raw, ShownValues, spot)
    _check(raw, found, decoded.count - before, spot)
    return found


def read_prior(raw: Raw, spot: Spot) -> PriorState:
    """Read a plan's prior state; raises UnreadableError for a property that is there twice."""
    before = decoded.count
    found = decode(raw, PriorState, spot)
    _check(raw, found.values, decoded.count - before, spot)
    return found


def is_small(raw: Raw) -> bool:
    """Whether a text is small enough to look at each of its levels."""
    return memoryview(raw).nbytes <= SMALL


def check_levels(raw: Raw, spot: Spot, levels: Collection[str] = _LEVELS) -> None:
    """Raise UnreadableError for an object that holds a property twice, from here down as far as resources go."""
    waiting = [(raw, spot)]
    while waiting:
        text, here = waiting.pop()
        match bytes(memoryview(text)[:1]):
            case b"{":
                waiting.extend((held, here.key(name)) for name, held in members(text, here).items() if name in levels)
            case b"[":
                waiting.extend((held, here.item(index)) for index, held in enumerate(items(text, here)))
            case _:
                pass


def _check(raw: Raw, found: ShownValues | None, count: int, spot: Spot) -> None:
    lost = count != _resources(found)
    if lost or is_small(raw):
        check_levels(raw, spot)
    if lost:
        raise spot.unreadable("holds a list of resources twice: which of the two counts differs from parser to parser", AGAIN)


def _resources(values: ShownValues | None) -> int:
    waiting: list[ShownModule] = [values.root_module] if values is not None and values.root_module is not None else []
    count = 0
    while waiting:
        module = waiting.pop()
        count += len(module.resources)
        waiting.extend(module.child_modules)
    return count
