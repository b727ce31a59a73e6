"""On which line of a TOML file each table and key stands; tomllib does not say, and only errors and explanations ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from checker.domain.text_values import Keys

if TYPE_CHECKING:
    from tree_sitter import Node

# A policy is no deeper; what lies below has the line of what it lies in.
_DEEPEST = 8
_KEYS = ("bare_key", "quoted_key", "dotted_key")


def lines(data: bytes) -> Mapping[Keys, int]:
    """The line, counted from 1, of every key, table and entry of an array in a file that tomllib could read."""
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
    """The line of a place, or of the nearest thing around it that has one."""
    while at and at not in found:
        at = at[:-1]
    return found.get(at, 1)


def _table(node: Node, counts: dict[Keys, int]) -> Keys:
    """Where a header leads: into the last entry of each array of tables on the way."""
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
