"""Tuples with an index: entries found by a key without looking at all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Indexed(tuple[T, ...]):  # noqa: SLOT001 -- the indices are in the dictionary that slots leave out
    """A tuple that keeps an index for each key function, created on first use."""

    def having(self, key: Callable[[T], Hashable], known_by: Hashable) -> tuple[T, ...]:
        """Return the entries whose key equals `known_by`, in order.

        `key` must be a function of a module: the index is kept by the function itself.
        """
        indices: dict[Callable[[T], Hashable], dict[Hashable, tuple[T, ...]]] = (
            self.__dict__.setdefault("indices", {})
        )
        if key not in indices:
            found: dict[Hashable, list[T]] = {}
            for entry in self:
                found.setdefault(key(entry), []).append(entry)
            indices[key] = {known: tuple(entries) for known, entries in found.items()}
        return indices[key].get(known_by, ())


def having(
    entries: tuple[T, ...], key: Callable[[T], Hashable], known_by: Hashable
) -> tuple[T, ...]:
    """Return the entries of any tuple whose key equals `known_by`."""
    indexed = entries if isinstance(entries, Indexed) else Indexed(entries)
    return indexed.having(key, known_by)
