"""Trace a stage's certificate id back to its possible origins.

Origins are literals, variables, data sources, modules and resources. `checker.hcl.flow` works in
the other direction. This module is for ids that no reference to a certificate reaches: it finds the
producer of the id and the text to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.syntax import Block, SourceFile, Span, Traversal, descendants, parses, traversals

if TYPE_CHECKING:
    from tree_sitter import Node

_NO_ORIGIN = frozenset({"path", "count", "self", "terraform"})


class Producer(Enum):
    """The possible kinds of origin of an id."""

    LITERAL = "literal"
    VARIABLE = "variable"
    DATA = "data"
    MODULE = "module"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Origin:
    """One possible origin of an id.

    `text` is the literal's value, the variable's name, or an address as it is written; `span` is
    its byte range in the file. `plain` says whether the literal or reference is a value of its own,
    not a key or an index. `reshaped` says that it comes through for_each. A set, a function or a
    `for` may then have made a key of it.
    """

    producer: Producer
    text: str
    module: ModulePath
    file: SourceFile
    span: Span
    plain: bool = True
    reshaped: bool = False
    block: Block

    @property
    def line(self) -> int:
        """Return the line, counted from 1."""
        return self.file.line(self.span.start)


@dataclass(slots=True)
class _Place:
    module: ModulePath
    file: SourceFile
    block: Block


@dataclass(slots=True)
class _Trace:
    configuration: Configuration
    seen: set[tuple[ModulePath, str, str]] = field(default_factory=set)
    looped: bool = False
    shaped: bool = False

    def expression(self, place: _Place, node: Node) -> Iterator[Origin]:
        for inner in descendants(node):
            self.shaped = self.shaped or inner.type in {"function_call", "for_expr"}
            if inner.type == "string_lit":
                span = Span(inner.start_byte, inner.end_byte)
                text = span.of(place.file.data).decode("utf-8", "replace").strip('"')
                yield self.origin(place, Producer.LITERAL, text, span, plain=_is_value(inner))
        for traversal in traversals(node, place.file.data):
            yield from self.traversal(place, traversal)

    def origin(
        self, place: _Place, producer: Producer, text: str, span: Span, *, plain: bool = True
    ) -> Origin:
        return Origin(
            producer=producer,
            text=text,
            module=place.module,
            file=place.file,
            span=span,
            plain=plain,
            reshaped=self.looped and self.shaped,
            block=place.block,
        )

    def traversal(self, place: _Place, traversal: Traversal) -> Iterator[Origin]:
        first = traversal.attribute(0)
        name = first.name if first is not None and first.name is not None else ""
        match traversal.root:
            case "var":
                yield from self.variable(place, traversal, name)
            case "local":
                yield from self.once(place.module, "local", name)
            case "each":
                each = place.block.attribute("for_each")
                self.looped, before = True, self.looped
                self.shaped = self.shaped if before else False
                if each is not None and self.first_time(
                    place.module, "each", " ".join((place.block.type, *place.block.labels))
                ):
                    yield from self.expression(place, each.expression)
            case "module":
                yield from self.output(place, traversal, name)
            case "data":
                yield self.origin(place, Producer.DATA, _written(traversal), traversal.span)
            case root if name and root not in _NO_ORIGIN:
                yield self.origin(place, Producer.RESOURCE, _written(traversal), traversal.span)

    def first_time(self, module: ModulePath, kind: str, name: str) -> bool:
        fresh = (module, kind, name) not in self.seen
        self.seen.add((module, kind, name))
        return fresh

    def once(self, module: ModulePath, kind: str, name: str) -> Iterator[Origin]:
        if self.first_time(module, kind, name):
            for file, block in self.configuration.blocks(module, "locals"):
                attribute = block.attribute(name)
                if attribute is not None:
                    yield from self.expression(_Place(module, file, block), attribute.expression)

    def variable(self, place: _Place, traversal: Traversal, name: str) -> Iterator[Origin]:
        if not place.module:
            plain = len(traversal.steps) == 1
            yield self.origin(place, Producer.VARIABLE, name, traversal.span, plain=plain)
            return
        if not self.first_time(place.module, "var", name):
            return
        for file, block in self.configuration.blocks(place.module[:-1], "module", place.module[-1]):
            argument = block.attribute(name)
            if argument is not None:
                yield from self.expression(
                    _Place(place.module[:-1], file, block), argument.expression
                )
                return
        for file, block in self.configuration.blocks(place.module, "variable", name):
            default = block.attribute("default")
            if default is not None:
                yield from self.expression(_Place(place.module, file, block), default.expression)

    def output(self, place: _Place, traversal: Traversal, call: str) -> Iterator[Origin]:
        inner = (*place.module, call)
        if inner not in self.configuration.modules:
            yield self.origin(place, Producer.MODULE, call, traversal.span)
            return
        name = traversal.first_attribute_after(0)
        for file, block in self.configuration.blocks(
            inner, "output", *(() if name is None else (name,))
        ):
            value = block.attribute("value")
            if value is not None and self.first_time(inner, "output", block.labels[0]):
                yield from self.expression(_Place(inner, file, block), value.expression)


def origins(
    configuration: Configuration, module: ModulePath, file: SourceFile, block: Block, attribute: str
) -> tuple[Origin, ...]:
    """Return every possible origin of an attribute's value that the configuration shows."""
    found = block.attribute(attribute)
    if found is None or not parses(file):
        return ()
    return tuple(_Trace(configuration).expression(_Place(module, file, block), found.expression))


def source_of(configuration: Configuration, module: ModulePath, call: str) -> str:
    """Return the source of a module call that is not local, as written; empty if not plain text."""
    return configuration.modules[module].opaque.get(call, "")


def _is_value(literal_: Node) -> bool:
    """Return whether a string is a value, and not an object key or an index."""
    inner: Node = literal_
    node = inner.parent
    while node is not None and node.type in {"literal_value", "expression", "template_expr"}:
        inner, node = node, node.parent
    if node is None or node.type in {"new_index", "index", "legacy_index"}:
        return False
    return not (node.type == "object_elem" and node.child_by_field_name("key") == inner)


def _written(traversal: Traversal) -> str:
    return ".".join(
        (
            traversal.root,
            *(
                step.name
                for step in traversal.steps[: 2 if traversal.root == "data" else 1]
                if step.name
            ),
        )
    )
