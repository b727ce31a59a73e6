"""Describe what the expressions on a value's way leave of it.

A function may hash it or take a part of it, a condition may choose another value, and a comparison
passes on no byte of it. Source: Terraform language, functions and conditional expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checker.hcl.flow import may_be_key
from checker.hcl.syntax import Traversal, traversals

if TYPE_CHECKING:
    from tree_sitter import Node

# These functions return a part of a text or a list.
_CUTTERS = frozenset({"element", "one", "regex", "regexall", "slice", "split", "strrev", "substr"})
# The result of these functions says something about a value, and has nothing of it.
_PREDICATES = frozenset({
    "alltrue", "anytrue", "can", "contains", "endswith", "index", "issensitive", "length",
    "startswith", "strcontains",
})  # fmt: skip
# The number of elements of these results depends on the values, which Terraform must then know.
_SHAPED = frozenset({"compact", "distinct", "matchkeys"})
# These functions return the first argument that fits.
_FIRST = frozenset({"coalesce", "coalescelist", "try"})
_LOGIC = frozenset({"&&", "||", "==", "!=", "<", ">", "<=", ">="})
_HASH = re.compile(r"sha\d|md5|hash|etag|checksum|fingerprint|crc|bcrypt|uuidv5")
_VERSIONS = frozenset({"latest_version", "resource_version", "revision", "version", "version_id"})
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What is left of a value where it arrives.

    `hashed`: only a hash or a version of it. `compared`: only the result of a comparison.
    `shapes`: the number of elements of a list, map or set depends on it, or it is a key of one.
    `wrapped`: it is an element of a list or map. `keyed`: it decides which instances a block has.
    `cut` is the function that takes a part of it. `only_if` says when it arrives; empty if always.
    """

    hashed: bool = False
    compared: bool = False
    shapes: bool = False
    wrapped: bool = False
    keyed: bool = False
    cut: str = ""
    only_if: str = ""

    @property
    def kind(self) -> tuple[bool, ...]:
        """Return the passage without its texts: there are few of them, however long the way is."""
        flags = (self.hashed, self.compared, self.shapes, self.wrapped, self.keyed)
        return (*flags, bool(self.cut), bool(self.only_if))

    def through(
        self, traversal: Traversal, data: bytes, labels: frozenset[str] = frozenset()
    ) -> Passage | None:
        """Return the passage behind the expression around a reference; None if nothing passes.

        `labels` are the keys of the objects that the value may have been under before.
        """
        found: Passage | None = self
        if may_be_key(traversal, data, labels):
            found = replace(self, shapes=True)
        # The reference's own node is an operation where it is an operand.
        inner: Node | None = None
        node: Node | None = traversal.node
        while node is not None and node.type not in {"attribute", "block"} and found is not None:
            found = _around(found, traversal, inner, node, data)
            inner, node = node, node.parent
        return found

    def behind(self, name: str | None) -> Passage:
        """Return the passage behind an attribute of a resource: of its content, or of a hash."""
        return replace(self, hashed=True) if name is not None and is_hash(name) else self


WHOLE = Passage()


def is_hash(name: str) -> bool:
    """Return whether an attribute or a function has only a hash or a version of a content."""
    return name in _VERSIONS or _HASH.search(name) is not None


def _around(
    found: Passage, traversal: Traversal, inner: Node | None, node: Node, data: bytes
) -> Passage | None:
    kind = node.type
    if kind in _BRANCHES:
        return _BRANCHES[kind](found, traversal, inner, node, data)
    if kind == "binary_operation":
        return _operated(found, traversal, node, data)
    if kind == "function_call":
        return _called(found, traversal, node, data)
    if kind in {"index", "new_index", "legacy_index"}:
        return replace(found, compared=True)
    return replace(found, wrapped=True) if kind in {"tuple", "object"} else found


def _chosen(
    found: Passage, traversal: Traversal, inner: Node | None, node: Node, data: bytes
) -> Passage | None:
    """Return the passage through `condition ? a : b`."""
    parts = [child for child in node.children if child.type == "expression"]
    if len(parts) != len(("condition", "a", "b")) or inner == parts[0]:
        return replace(found, compared=True)
    return _if(found, traversal, parts[0], data, wanted=inner == parts[1])


def _directed(
    found: Passage, traversal: Traversal, inner: Node | None, node: Node, data: bytes
) -> Passage | None:
    """Return the passage through `%{ if condition }`."""
    if inner is None or inner.type == "template_if_intro":
        return replace(found, compared=True)
    intro = next((child for child in node.children if child.type == "template_if_intro"), None)
    conditions = intro.children if intro is not None else ()
    condition = next((child for child in conditions if child.type == "expression"), None)
    if condition is None:
        return found
    otherwise = next((each for each in node.children if each.type == "template_else_intro"), None)
    wanted = otherwise is None or inner.start_byte < otherwise.start_byte
    return _if(found, traversal, condition, data, wanted=wanted)


def _if(
    found: Passage, traversal: Traversal, condition: Node, data: bytes, *, wanted: bool
) -> Passage | None:
    text = " ".join(_text(condition, data).split())
    if text in {"true", "false"}:
        return found if (text == "true") == wanted else None
    if found.only_if or guards(traversal, condition, data):
        return found
    return replace(found, only_if=_in_words(text, wanted=wanted))


def guards(traversal: Traversal, condition: Node, data: bytes) -> bool:
    """Return whether a condition asks for nothing but the value itself, such as `x != null`."""
    own = _name(traversal)
    found = list(traversals(condition, data))
    return bool(found) and all(_name(each) == own for each in found)


def _name(traversal: Traversal) -> tuple[str | None, ...]:
    """Return `local.a`, `var.a`, `type.name` or `module.call.output` as words."""
    count = 2 if traversal.root in {"module", "data"} else 1
    return (traversal.root, *(step.name for step in traversal.steps[:count]))


def _operated(found: Passage, traversal: Traversal, node: Node, data: bytes) -> Passage | None:
    operator = next((child for child in node.children if child.type in _LOGIC), None)
    if operator is None:
        return found
    is_left = traversal.span.start < operator.start_byte
    bounds = (
        (operator.end_byte, node.end_byte) if is_left else (node.start_byte, operator.start_byte)
    )
    if data[slice(*bounds)].strip() == b"null":
        # Terraform knows that a computed text is not null.
        return None
    return replace(found, compared=True)


def _called(found: Passage, traversal: Traversal, node: Node, data: bytes) -> Passage | None:
    name = _text(node.children[0], data)
    if name == "length" and found.wrapped and not found.shapes:
        # The number of elements does not depend on the texts in them.
        return None
    if name in _CUTTERS:
        return found if found.cut or found.hashed else replace(found, cut=name)
    passed = replace(
        found,
        compared=found.compared or name in _PREDICATES,
        shapes=found.shapes or name in _SHAPED,
        hashed=found.hashed or is_hash(name),
    )
    place = _argument(node, traversal) if name in _FIRST or name == "lookup" else 0
    if found.only_if or not place:
        return passed
    if name in _FIRST:
        return replace(passed, only_if=f"the arguments of {name} before it are not taken")
    return replace(passed, only_if="lookup finds no other value") if place > 1 else passed


def _argument(call: Node, traversal: Traversal) -> int:
    """Return the number of the argument that a reference is in, from 0."""
    arguments = next((each for each in call.children if each.type == "function_arguments"), None)
    expressions = (
        [child for child in arguments.children if child.type == "expression"]
        if arguments is not None
        else []
    )
    start = traversal.span.start
    return next(
        (
            number
            for number, each in enumerate(expressions)
            if each.start_byte <= start < each.end_byte
        ),
        0,
    )


def _looped(
    found: Passage, _: Traversal, inner: Node | None, node: Node, data: bytes
) -> Passage | None:
    """Return the passage through a `for`, whose `if` may leave the value out."""
    condition = next((child for child in node.children if child.type == "for_cond"), None)
    if condition is not None and inner == condition:
        return replace(found, compared=True)
    wrapped = replace(found, wrapped=True)
    if condition is None:
        return wrapped
    names = set(_loop_names(node, data))
    asked = [each.root for each in traversals(condition, data)]
    if names.intersection(asked):
        wrapped = replace(wrapped, shapes=True)
    if names.issuperset(asked) or found.only_if:
        return wrapped
    return replace(wrapped, only_if="the `if` of a `for` keeps it")


_BRANCHES = {
    "conditional": _chosen,
    "template_if": _directed,
    "for_tuple_expr": _looped,
    "for_object_expr": _looped,
}


def _loop_names(node: Node, data: bytes) -> Iterator[str]:
    for child in node.children:
        if child.type == "for_intro":
            yield from (_text(each, data) for each in child.children if each.type == "identifier")


def _text(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace").strip()


def condition_of(expression: Node, data: bytes) -> str:
    """Return the condition of `condition ? a : b` as words, if that is the whole expression.

    It is the condition for the branch that is not 0 or empty, the first if both may be.
    """
    node = expression
    while node.type == "expression" and len(node.children) == 1:
        node = node.children[0]
    parts = [child for child in node.children if child.type == "expression"]
    if node.type != "conditional" or len(parts) != len(("condition", "a", "b")):
        return ""
    is_second = "".join(_text(parts[1], data).split()) in {"0", "{}", "[]", "toset([])"}
    return _in_words(" ".join(_text(parts[0], data).split()), wanted=not is_second)


def _in_words(condition: str, *, wanted: bool) -> str:
    short = condition if len(condition) <= _LONGEST else f"{condition[:_LONGEST]}…"
    return f"`{short}` is {'true' if wanted else 'false'}"
