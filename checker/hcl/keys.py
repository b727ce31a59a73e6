"""Where a value becomes the key of an instance: an id there names the instance, and another id would replace it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.hcl.traversal import Traversal, traversals

if TYPE_CHECKING:
    from tree_sitter import Node

_SETS = frozenset({"toset", "setunion", "setintersection", "setsubtract", "setproduct", "zipmap"})


def labels_around(traversal: Traversal, data: bytes) -> frozenset[str]:
    """The keys of the objects that a traversal stands in: `certificate` in `{ certificate = aws_x.y.id }`."""
    found: set[str] = set()
    node: Node | None = traversal.node
    while node is not None and node.type not in {"attribute", "block"}:
        key = node.child_by_field_name("key") if node.type == "object_elem" else None
        if key is not None:
            found.add(_text(key, data).strip('"'))
        node = node.parent
    return frozenset(found)


def may_be_key(traversal: Traversal, data: bytes, labels: frozenset[str]) -> bool:
    """Whether a value becomes an element of a set or a key of a map, where it stands or by a `for` over what holds it.

    `labels` are the keys of the objects that it may have been put under on its way here.
    """
    labels = labels | labels_around(traversal, data)
    inner: Node = traversal.node
    node = inner.parent
    while node is not None and node.type not in {"attribute", "block"}:
        if node.type == "object_elem" and node.child_by_field_name("key") == inner:
            return True
        if node.type == "function_call" and node.children[0] != inner and _text(node.children[0], data) in _SETS:
            return True
        if node.type == "for_object_expr" and _keyed_by(node, inner, data, labels):
            return True
        inner, node = node, node.parent
    return False


def _keyed_by(loop: Node, inner: Node, data: bytes, labels: frozenset[str]) -> bool:
    expressions = [child for child in loop.children if child.type == "expression"]
    if not expressions:
        return True
    key = expressions[0]
    if inner == key:
        return True
    intro = next((child for child in loop.children if child.type == "for_intro"), None)
    if intro is None or inner != intro:
        return False
    names = [_text(child, data) for child in intro.children if child.type == "identifier"]
    for taken in traversals(key, data):
        if names and taken.root == names[-1] and (not taken.steps or {step.name for step in taken.steps} & {*labels, None}):
            return True
    return False


def _text(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")
