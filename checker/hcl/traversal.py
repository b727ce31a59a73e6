"""References in expressions: `aws_x.name[0].id`, `local.a`, `module.m.out`, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checker.hcl.syntax import Span, descendants

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True, eq=False)
class TraversalStep:
    """One step behind the root of a traversal: an attribute by name, or None for an index or a splat."""

    name: str | None
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Traversal:
    """A root identifier and the steps that follow it; `node` is the whole expression that it stands in."""

    root: str
    span: Span
    steps: tuple[TraversalStep, ...]
    node: Node

    def attribute(self, position: int) -> TraversalStep | None:
        """The step at a position, if it is an attribute."""
        step = self.steps[position] if len(self.steps) > position else None
        return step if step is not None and step.name is not None else None

    def first_attribute_after(self, position: int) -> str | None:
        """The name of the first attribute behind a position, past any index or splat; None for the whole object."""
        return next((step.name for step in self.steps[position + 1 :] if step.name is not None), None)


def traversals(expression: Node, data: bytes) -> Iterator[Traversal]:
    """Every traversal in an expression, those in templates, heredocs and index brackets included."""
    for node in descendants(expression):
        if node.type == "variable_expr" and node.parent is not None:
            yield _traversal(node, node.parent, data)


def _traversal(variable: Node, parent: Node, data: bytes) -> Traversal:
    steps: list[TraversalStep] = []
    end = variable.end_byte
    children = parent.children
    at = next(index for index, child in enumerate(children) if child == variable)
    for sibling in children[at + 1 :]:
        if sibling.type == "comment":
            continue
        if sibling.type not in {"get_attr", "index", "splat"}:
            break
        steps.extend(_steps(sibling, data))
        end = sibling.end_byte
    return Traversal(_decode(variable, data), Span(variable.start_byte, end), tuple(steps), parent)


def _steps(node: Node, data: bytes) -> Iterator[TraversalStep]:
    if node.type == "get_attr":
        name = next((child for child in node.children if child.type == "identifier"), None)
        if name is not None:
            yield TraversalStep(_decode(name, data), Span(name.start_byte, name.end_byte))
        else:
            yield TraversalStep(None, Span(node.start_byte, node.end_byte))
        return
    yield TraversalStep(None, Span(node.start_byte, node.end_byte))
    # A splat holds the attributes that follow it as its own children.
    for child in descendants(node) if node.type == "splat" else ():
        if child.type == "get_attr":
            yield from _steps(child, data)


def _decode(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")
