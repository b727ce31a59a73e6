"""What a TOML table may hold, as values: a strict check and a JSON Schema are both made from them.

A shape says what to write instead where something else stands there.
"""

from __future__ import annotations

from collections.abc import Mapping

from checker.domain.value import value

# More than any policy needs; each scope and pattern is tried on every stage.
MOST_CHARACTERS = 2048
MOST_ENTRIES = 1000
# A policy with all that it extends; each scope is tried on every stage and certificate, and so is each pattern with `*` or `?`.
MOST_SCOPES = 80
MOST_PATTERNS = 250
MOST_PATTERN_CHARACTERS = 8 * 1024


@value
class Whole:
    """A whole number from `least` to `most`."""

    says: str
    least: int = 0
    most: int | None = None
    example: int = 30


@value
class Word:
    """One of some words; `unless` says of others why they are none."""

    says: str
    words: tuple[str, ...]
    unless: Mapping[str, str]


@value
class Text:
    """A text in one line that is not blank and fits the whole pattern; `what` names what fits it."""

    says: str
    example: str
    pattern: str | None = None
    what: str = "a text"
    most: int = MOST_CHARACTERS


@value
class OneOrMore:
    """A text, or several in an array."""

    says: str
    text: Text
    most: int = MOST_ENTRIES


@value
class Day:
    """A date without a time, as TOML writes it or as a text."""

    says: str


@value
class Table:
    """Keys and the shapes of their values; `needed` must be there, and of each group in `any_of` at least one."""

    says: str
    keys: Mapping[str, Shape]
    needed: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    one_of: tuple[str, ...] = ()


@value
class Tables:
    """An array of tables."""

    says: str
    table: Table
    most: int = MOST_ENTRIES


@value
class NamedTable:
    """A table whose keys are names that fit a pattern."""

    says: str
    name: Text
    each: Table | OneOrMore
    least: int = 0


Shape = Whole | Word | Text | OneOrMore | Day | Table | Tables | NamedTable
