"""Find every reference to a resource in a module, and the part of the resource that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.syntax import (
    Attribute,
    Block,
    SourceFile,
    Span,
    Traversal,
    attributes,
    parses,
    traversals,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_POINTERS = frozenset({"id", "arn", "client_certificate_id"})
_TRUST = frozenset({"pem_encoded_certificate"})
_META_BLOCKS = frozenset({"import", "moved", "removed"})
_META_ARGUMENTS = frozenset({"depends_on", "replace_triggered_by", "ignore_changes"})
# The result of these functions says only how many instances there are.
_COUNTING = frozenset({"length", "keys", "can"})
# The result of these functions has the attributes of their arguments.
_TRANSPARENT = frozenset(
    {"values", "one", "element", "concat", "coalesce", "try", "tolist", "flatten", "coalescelist"}
)


class ReferenceUse(Enum):
    """What a reference takes: the id or ARN, the PEM, other data, the address, or the object."""

    POINTER = "pointer"
    TRUST = "trust"
    INFORMATION = "information"
    META = "meta"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Site:
    """An attribute somewhere below a top-level block.

    `path` names the nested blocks and the attribute itself.
    """

    file: SourceFile
    module: ModulePath
    block: Block
    path: tuple[str, ...]
    attribute: Attribute

    @property
    def line(self) -> int:
        """Return the line of the attribute, counted from 1."""
        return self.file.line(self.attribute.span.start)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reference:
    """A reference to a resource: its site, the bytes of the resource's name in it, and its use."""

    site: Site
    name: Span
    use: ReferenceUse
    traversal: Traversal

    @property
    def line(self) -> int:
        """Return the line of the reference, counted from 1."""
        return self.site.file.line(self.name.start)


def sites(file: SourceFile, module: ModulePath) -> Iterator[Site]:
    """Yield every attribute of a file, with the top-level block that it belongs to."""
    for block, path, attribute in attributes(file):
        yield Site(file=file, module=module, block=block, path=path, attribute=attribute)


def traversals_of(
    configuration: Configuration, module: ModulePath, root: str, name: str
) -> Iterator[tuple[Site, Traversal]]:
    """Yield every traversal `root.name…` of a module, in files that can be parsed."""
    for file in configuration.naming(module, root, name):
        yield from named(file, module, root, name)


def named(
    file: SourceFile, module: ModulePath, root: str, name: str
) -> Iterator[tuple[Site, Traversal]]:
    """Yield every traversal `root.name…` of a file that can be parsed."""
    for each in file.traversals_of(root, name):
        yield (
            Site(
                file=file,
                module=module,
                block=each.block,
                path=each.path,
                attribute=each.attribute,
            ),
            each.traversal,
        )


def references(
    configuration: Configuration, module: ModulePath, kind: str, name: str
) -> Iterator[Reference]:
    """Yield every reference to the resource `kind.name`.

    Its own module is searched, and for its whole address also the modules that call it.
    """
    for site, traversal in traversals_of(configuration, module, kind, name):
        step = traversal.attribute(0)
        if step is not None:
            yield Reference(
                site=site, name=step.span, use=use_of(site, traversal), traversal=traversal
            )
    for depth in range(len(module)):
        caller, inner = module[:depth], module[depth:]
        for file in configuration.in_module(caller, *map(str.encode, (*inner, kind, name))):
            if parses(file):
                yield from from_outside(file, caller, inner, kind, name)


def from_outside(
    file: SourceFile, caller: ModulePath, inner: ModulePath, kind: str, name: str
) -> Iterator[Reference]:
    """Yield the references of a file to `module.INNER….kind.name`.

    `import`, `moved` and `removed` blocks name addresses in this form.
    """
    wanted = [*(word for call in inner for word in ("module", call)), kind, name]
    for site in sites(file, caller):
        for traversal in traversals(site.attribute.expression, file.data):
            steps = [step for step in traversal.steps if step.name is not None]
            if [traversal.root, *(step.name for step in steps)][: len(wanted)] == wanted:
                yield Reference(
                    site=site,
                    name=steps[len(wanted) - 2].span,
                    use=ReferenceUse.META,
                    traversal=traversal,
                )


def moved_by_repoint(found: Iterable[Reference]) -> tuple[Reference, ...]:
    """Return the references to one certificate that repoint moves: pointers and their information.

    A guard such as `length(x) > 0 ?` moves with the pointer that it guards: a certificate that is
    removed must not decide whether a stage presents the one that stays. Dates and counts move with
    the id if one expression, block or set of outputs has both. A PEM, an address (`depends_on`) and
    information beside a PEM move in retire.
    """
    known = tuple(found)
    return tuple(reference for reference in known if _moves_with_id(reference, known))


def _moves_with_id(reference: Reference, known: tuple[Reference, ...]) -> bool:
    if reference.use is not ReferenceUse.INFORMATION:
        return reference.use is ReferenceUse.POINTER
    site = reference.site
    here = [
        other
        for other in known
        if other.site.file.path == site.file.path
        and other.use in {ReferenceUse.POINTER, ReferenceUse.TRUST}
    ]
    beside = _nearest(
        reference, [other for other in here if other.site.attribute.span == site.attribute.span]
    )
    if not beside and site.block.type != "locals":
        beside = [other for other in here if other.site.block.span == site.block.span]
    if not beside and site.block.type == "output":
        beside = [
            other
            for other in known
            if other.site.block.type == "output" and other.site.module == site.module
        ]
    if beside:
        return any(other.use is ReferenceUse.POINTER for other in beside)
    return _is_counted(reference.traversal, site.file.data) or site.block.type == "locals"


def _nearest(reference: Reference, others: list[Reference]) -> list[Reference]:
    """Return the references in the smallest expression with this one and any of the others."""
    node: Node | None = reference.traversal.node
    while node is not None and node.start_byte >= reference.site.attribute.span.start:
        inside = [other for other in others if node.start_byte <= other.name.start < node.end_byte]
        if inside:
            return inside
        node = node.parent
    return []


def use_of(site: Site, traversal: Traversal) -> ReferenceUse:
    """Return the use of a resource by a traversal that names it."""
    if site.block.type in _META_BLOCKS or site.path[-1] in _META_ARGUMENTS:
        return ReferenceUse.META
    if _is_counted(traversal, site.file.data):
        return ReferenceUse.INFORMATION
    taken = _taken(traversal, site.file.data)
    # Repoint moves an id and retire moves a PEM. A name that gives both can move in neither.
    if not taken or None in taken or (taken & _POINTERS and taken & _TRUST):
        return ReferenceUse.WHOLE
    if taken & _POINTERS:
        return ReferenceUse.POINTER
    return ReferenceUse.TRUST if taken & _TRUST else ReferenceUse.INFORMATION


def _is_counted(traversal: Traversal, data: bytes) -> bool:
    """Return whether only the number of instances is used.

    Examples: `length(x)`, `keys(x)`, `can(x[0])`, `x[0] != null`, `one(x) == null`. A successor has
    as many instances as its predecessor, with the same keys.
    """
    if any(step.name is not None for step in traversal.steps[1:]):
        return False
    node: Node | None = traversal.node
    while node is not None:
        if node.type == "binary_operation":
            return _is_compared_with_null(node, data)
        arguments = node.parent
        call = (
            arguments.parent
            if arguments is not None and arguments.type == "function_arguments"
            else None
        )
        if call is None:
            return False
        function = data[call.children[0].start_byte : call.children[0].end_byte].decode()
        if function in _COUNTING:
            return True
        behind = call.next_sibling
        if function not in _TRANSPARENT or (
            behind is not None and behind.type in {"get_attr", "splat"}
        ):
            return False
        node = call.parent
    return False


def _is_compared_with_null(operation: Node, data: bytes) -> bool:
    operators = [child for child in operation.children if child.type in {"==", "!="}]
    sides = (operation.children[0], operation.children[-1])
    return bool(operators) and any(
        data[side.start_byte : side.end_byte] == b"null" for side in sides
    )


def _taken(traversal: Traversal, data: bytes) -> set[str | None]:
    direct = traversal.first_attribute_after(0)
    if direct is not None:
        return {direct}
    return _through_for(traversal.node, data) or {_through_calls(traversal.node, data)}


def _through_for(expression: Node, data: bytes) -> set[str | None]:
    """Return the attributes that a `for` over the resource takes from each of its instances."""
    intro = expression.parent
    if intro is None or intro.type != "for_intro" or intro.parent is None:
        return set()
    loop = [child for child in intro.children if child.type == "identifier"]
    if not loop:
        return set()
    value = data[loop[-1].start_byte : loop[-1].end_byte].decode()
    return {
        inner.steps[0].name if inner.steps else None
        for inner in traversals(intro.parent, data)
        if inner.root == value
    }


def _through_calls(expression: Node, data: bytes) -> str | None:
    """Return the attribute taken from a function result, as in `values(x)[*].id`.

    Only functions that pass the object through count; the result is None otherwise.
    """
    node = expression
    while node.parent is not None and node.parent.type == "function_arguments":
        call = node.parent.parent
        outer = call.parent if call is not None else None
        if call is None or outer is None:
            return None
        function = data[call.children[0].start_byte : call.children[0].end_byte].decode()
        if function not in _TRANSPARENT:
            return None
        behind = [child for child in outer.children if child.start_byte >= call.end_byte]
        for child in behind:
            for inner in _attributes(child, data):
                return inner
        node = outer
    return None


def _attributes(node: Node, data: bytes) -> Iterator[str]:
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "get_attr":
            yield from (
                data[child.start_byte : child.end_byte].decode()
                for child in current.children
                if child.type == "identifier"
            )
        elif current.type in {"splat", "full_splat", "attr_splat", "index"}:
            stack.extend(reversed(current.children))
