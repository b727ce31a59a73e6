"""Match certificates and stages to the scopes of a policy: compiled once, evaluated per value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from msgspec import Struct

from checker.model.address import Address
from checker.model.conditions import (
    PLAIN_FIELDS,
    Conditions,
    Tags,
    Traits,
    address_names,
    compile_patterns,
    glob,
    is_pattern,
)

# The positions of the scopes that match, in the order of the policy.
Matching = tuple[int, ...]
# A set of scopes as the bits of a number: bit 0 is the first scope.
_Bits = int


class ScopeMatcher:
    """The scopes of a policy, by the field that each condition is on.

    A condition is evaluated once for each distinct value of its field, not for each stage. So the
    time grows with the number of different names, tags and places.
    """

    def __init__(self, scopes: tuple[Conditions, ...]) -> None:
        self._all: _Bits = (1 << len(scopes)) - 1
        self._fields = tuple(
            (name, _field_matcher(name, scopes))
            for name in PLAIN_FIELDS
            if any(getattr(scope, name) for scope in scopes)
        )
        self._tags = _tags_matcher(scopes) if any(scope.tags for scope in scopes) else None
        self._addresses = (
            _AddressMatcher(scopes) if any(scope.address for scope in scopes) else None
        )
        self._matching: dict[_Bits, Matching] = {}

    def matching(self, traits: Traits) -> Matching:
        """Return the positions of the scopes that match a certificate and a stage."""
        found = self._all
        for name, matches in self._fields:
            found &= matches(getattr(traits, name))
        if self._tags is not None and found:
            found &= self._tags(traits.tags)
        if self._addresses is not None and found:
            found &= self._addresses.matches(traits.addresses)
        known = self._matching.get(found)
        if known is None:
            known = self._matching[found] = _positions(found)
        return known


@lru_cache(maxsize=8)
def compile_scopes(conditions: tuple[Conditions, ...]) -> ScopeMatcher:
    """Return the matcher of a policy's scopes; the same one for the same scopes."""
    return ScopeMatcher(conditions)


def _positions(bits: _Bits) -> Matching:
    return tuple(index for index in range(bits.bit_length()) if bits >> index & 1)


def _bits(indices: Iterable[int]) -> _Bits:
    return sum(1 << index for index in set(indices))


def _field_matcher(name: str, scopes: tuple[Conditions, ...]) -> Callable[[str | None], _Bits]:
    """Return a function from a field's value to the scopes whose condition on it is met.

    An unknown value meets no condition. A scope without a condition on the field always counts.
    """
    free = _bits(index for index, scope in enumerate(scopes) if not getattr(scope, name))
    tests = [
        (1 << index, compile_patterns(name, getattr(scope, name)))
        for index, scope in enumerate(scopes)
        if getattr(scope, name)
    ]

    @lru_cache(maxsize=1 << 16)
    def matches(value: str | None) -> _Bits:
        if value is None:
            return free
        return free | sum(bit for bit, fits in tests if fits(value))

    return matches


def _tags_matcher(scopes: tuple[Conditions, ...]) -> Callable[[tuple[Tags, ...]], _Bits]:
    free = _bits(index for index, scope in enumerate(scopes) if not scope.tags)
    tests = [
        (1 << index, [(key, compile_patterns("tags", wanted)) for key, wanted in scope.tags])
        for index, scope in enumerate(scopes)
        if scope.tags
    ]
    keys = frozenset(key for scope in scopes for key, _ in scope.tags)

    @lru_cache(maxsize=1 << 16)
    def of_values(values: frozenset[tuple[str, str]]) -> _Bits:
        return free | sum(
            bit
            for bit, wanted in tests
            if all(any(name == key and fits(text) for name, text in values) for key, fits in wanted)
        )

    def matches(tags: tuple[Tags, ...]) -> _Bits:
        return of_values(frozenset(pair for own in tags for pair in own if pair[0] in keys))

    return matches


class _WildPattern(Struct, frozen=True, kw_only=True):
    """An address pattern with wildcards, and the scopes that have it.

    `literal` is its longest text without wildcards: an address without that text does not match.
    """

    literal: str
    compiled: re.Pattern[str]
    scopes: _Bits


class _AddressMatcher:
    """The address conditions of all scopes, by the text that each pattern begins with.

    So an address is compared only with the patterns that begin as it does.
    """

    def __init__(self, scopes: tuple[Conditions, ...]) -> None:
        self._free = _bits(index for index, scope in enumerate(scopes) if not scope.address)
        self._plain: dict[str, _Bits] = {}
        wild: dict[str, _Bits] = {}
        for index, scope in enumerate(scopes):
            for pattern in scope.address:
                known = wild if is_pattern(pattern) else self._plain
                known[pattern] = known.get(pattern, 0) | 1 << index
        # By the length of the literal start, then by the start itself.
        self._wild: dict[int, dict[str, list[_WildPattern]]] = {}
        for pattern, bits in wild.items():
            start, *others = re.split(r"[*?]", pattern)
            by_start = self._wild.setdefault(len(start), {})
            by_start.setdefault(start, []).append(
                _WildPattern(
                    literal=max(start, *others, key=len), compiled=glob(pattern), scopes=bits
                )
            )
        self._known: dict[Address, _Bits] = {}

    def matches(self, addresses: tuple[Address, ...]) -> _Bits:
        found = self._free
        for address in addresses:
            known = self._known.get(address)
            if known is None:
                known = self._known[address] = self._of(address)
            found |= known
        return found

    def _of(self, address: Address) -> _Bits:
        found = 0
        for name in address_names(address):
            found |= self._plain.get(name, 0)
            for length, starts in self._wild.items():
                for pattern in starts.get(name[:length], ()):
                    if pattern.literal in name and pattern.compiled.fullmatch(name) is not None:
                        found |= pattern.scopes
        return found
