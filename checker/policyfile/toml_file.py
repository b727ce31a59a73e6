"""Parse a TOML file and find its line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from checker.errors import UsageError
from checker.model.location import Location
from checker.model.text_values import Keys, Mismatch
from checker.policyfile.schema import POLICY
from checker.policyfile.validate import validate

if TYPE_CHECKING:
    from tree_sitter import Node


_MOST_PARTS = 16
# Multi-line and one-line texts, comments, and the rest after an unterminated text. A multi-line
# text may end with two quotes of its own. Source: TOML 1.0, "String" and "Comment".
_TEXTS = re.compile(
    rb'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*'
    rb'|["\'].*',
    re.DOTALL,
)
# Python reads such a number in any length, and raises ValueError when it is to be printed.
_LONG_NUMBER = re.compile(rb"0[xob][0-9A-Fa-f_]{64}")


class TomlFile:
    """The text of one policy file, validated against the policy schema.

    Its lines are only searched on demand.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.values: Mapping[str, Any] = _parsed(path, data)
        try:
            validate(self.values, POLICY, ())
        except Mismatch as error:
            self.refuse(error)

    def refuse(self, error: Mismatch) -> NoReturn:
        """Raise a mismatch as a UsageError that names the file and the line."""
        raise UsageError(
            error.message, where=str(self.location(error.at)), remedy=error.remedy
        ) from error

    def location(self, at: Keys) -> Location:
        """Return the line of a key, a table or an entry of an array."""
        return Location(self.path, line_of(self._lines, at))

    @cached_property
    def _lines(self) -> Mapping[Keys, int]:

        try:
            return lines(self.data)
        except RecursionError:
            # Tables are nested without end: the message then names the file without a line.
            return {}


def _parsed(path: str, data: bytes) -> Mapping[str, Any]:
    import tomllib

    # The time of Python's parser grows with the square of a key's parts; no policy has more than
    # five.
    plain = _TEXTS.sub(b"", data)
    if any(text.count(b".") > _MOST_PARTS for text in plain.split(b"\n")):
        raise UsageError(
            "has a key of too many parts",
            where=path,
            remedy="`tfcert policy show` prints a policy",
        )
    if _LONG_NUMBER.search(plain):
        raise _unbounded(path)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            "not UTF-8 text", where=f"{path}:{line}", remedy="save the file as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        message, _, rest = str(error).partition(" (at ")
        named = rest.partition(",")[0].removeprefix("line ")
        # The parser reports something missing at the very end without a line.
        line = int(named) if named.isdigit() else data.rstrip().count(b"\n") + 1
        raise UsageError(
            f"not TOML: {message}", where=f"{path}:{line}", remedy="correct the policy file"
        ) from error
    except (RecursionError, ValueError) as error:
        # Arrays nested without end, and numbers of thousands of digits.
        raise _unbounded(path) from error


def _unbounded(path: str) -> UsageError:
    return UsageError(
        "is nested too deeply or has a number that is too long",
        where=path,
        remedy="`tfcert policy show` prints one",
    )


# A policy is no deeper; anything deeper has the line of its container.
_DEEPEST = 8
_KEYS = ("bare_key", "quoted_key", "dotted_key")


def lines(data: bytes) -> Mapping[Keys, int]:
    """Return the line of every key, table and array entry in a file that tomllib could read.

    Lines are counted from 1.
    """
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    found: dict[Keys, int] = {}
    counts: dict[Keys, int] = {}
    for node in parser.parse(data).root_node.children:
        match node.type:
            case "pair":
                _pair(node, (), found)
            case "table" | "table_array_element":
                at = _table(node, counts)
                _note(at, node, found)
                for child in node.children:
                    if child.type == "pair":
                        _pair(child, at, found)
            case _:
                pass
    return found


def line_of(found: Mapping[Keys, int], at: Keys) -> int:
    """Return the line of a path, or of its nearest parent that has a line."""
    while at and at not in found:
        at = at[:-1]
    return found.get(at, 1)


def _table(node: Node, counts: dict[Keys, int]) -> Keys:
    """Return the path of a header, through the last entry of each array of tables."""
    names = list(_names(next(child for child in node.children if child.type in _KEYS)))
    at: Keys = ()
    for index, name in enumerate(names):
        at = (*at, name)
        if node.type == "table_array_element" and index == len(names) - 1:
            counts[at] = counts.get(at, 0) + 1
        if at in counts:
            at = (*at, counts[at] - 1)
    return at


def _pair(node: Node, above: Keys, found: dict[Keys, int]) -> None:
    key, *_, value = node.children
    at: Keys = (*above, *_names(key))[: _DEEPEST + 1]
    _note(at, node, found)
    _value(value, at, found)


def _value(node: Node, at: Keys, found: dict[Keys, int]) -> None:
    entries = 0
    for child in node.children:
        if node.type == "inline_table" and child.type == "pair":
            _pair(child, at, found)
        elif node.type == "array" and child.is_named and child.type != "comment":
            _note((*at, entries), child, found)
            if len(at) < _DEEPEST:
                _value(child, (*at, entries), found)
            entries += 1


def _note(at: Keys, node: Node, found: dict[Keys, int]) -> None:
    for length in range(1, min(len(at), _DEEPEST) + 1):
        found.setdefault(at[:length], node.start_point[0] + 1)


def _names(key: Node) -> Iterator[str]:
    import tomllib

    if key.type == "dotted_key":
        for child in key.children:
            if child.type in _KEYS:
                yield from _names(child)
    elif key.text is not None:
        yield from tomllib.loads(f"{key.text.decode()} = 0")
