"""A tuple of many entries in which some are found by what they are known by, without looking through all of them each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Indexed(tuple[T, ...]):  # noqa: SLOT001 -- the indices are kept beside the entries, in the dictionary that slots leave out
    """A tuple like any other; an index is made when it is first asked for, and lives as long as the tuple."""

    def having(self, key: Callable[[T], Hashable], known_by: Hashable) -> tuple[T, ...]:
        """The entries for which `key` gives this, in order; `key` is a function of a module, since the index goes by it."""
        indices: dict[Callable[[T], Hashable], dict[Hashable, tuple[T, ...]]] = self.__dict__.setdefault("indices", {})
        if key not in indices:
            found: dict[Hashable, list[T]] = {}
            for entry in self:
                found.setdefault(key(entry), []).append(entry)
            indices[key] = {known: tuple(entries) for known, entries in found.items()}
        return indices[key].get(known_by, ())


def having(entries: tuple[T, ...], key: Callable[[T], Hashable], known_by: Hashable) -> tuple[T, ...]:
    """The same of any tuple; one that is not indexed is looked through."""
    indexed = entries if isinstance(entries, Indexed) else Indexed(entries)
    return indexed.having(key, known_by)
