"""Find every place that a value reaches in a configuration.

The search follows locals, module arguments and outputs, data sources, `for_each` and dynamic
blocks. `checker.hcl.flow` follows an id to the stages; this module follows any value to every block
that takes it. The search widens rather than narrows: a place may take the value only under some
condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.flow import enclosing_keys
from checker.hcl.passing.passage import WHOLE, Passage
from checker.hcl.references import Site, sites, traversals_of
from checker.hcl.syntax import Block, Traversal, TraversalStep, traversals

if TYPE_CHECKING:
    from tree_sitter import Node

# A value in one of these blocks is followed through references to the block.
_READ_ON = frozenset({"data", "ephemeral"})
_META_BLOCKS = frozenset({"import", "moved", "removed", "check"})
_CONDITIONS = frozenset({"precondition", "postcondition", "assert", "validation"})
_MODULE_META = frozenset({"source", "version", "providers", "depends_on"})
# The nodes between a value in an object and the attribute that has the object.
_AROUND = frozenset({"object", "collection_value", "expression"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Arrival:
    """A place that a value reaches, the reference that brings it there, and what is left of it."""

    site: Site
    traversal: Traversal
    passage: Passage = WHOLE

    @property
    def line(self) -> int:
        """Return the line of the reference, counted from 1."""
        return self.site.file.line(self.traversal.span.start)


def arrivals(
    configuration: Configuration, site: Site, traversal: Traversal, passage: Passage = WHOLE
) -> Iterator[Arrival]:
    """Yield the places that a value reaches from one reference on.

    The places are resources, root outputs, providers and modules from elsewhere. A condition only
    checks the value, so it is not one of these places. `passage` is what is left of the value at
    the reference.
    """
    search = _Search(configuration)
    yield from search.visit(site, traversal, passage)


def is_condition(site: Site) -> bool:
    """Return whether an attribute is in a condition, which only checks a value."""
    return site.block.type in _META_BLOCKS or not _CONDITIONS.isdisjoint(site.path)


@dataclass(slots=True)
class _Search:
    configuration: Configuration
    seen: set[tuple[ModulePath, str, str, tuple[bool, ...]]] = field(default_factory=set)
    labels: frozenset[str] = frozenset()

    def visit(self, site: Site, traversal: Traversal, before: Passage) -> Iterator[Arrival]:
        if is_condition(site):
            return
        data = site.file.data
        passage = before.through(traversal, data, self.labels)
        if passage is None:
            return
        self.labels |= enclosing_keys(traversal, data)
        block, path, module = site.block, site.path, site.module
        match block.type:
            case "locals":
                key = _object_key(site, traversal)
                yield from self.read(module, ("local", path[0]), key, passage)
            case "output":
                yield from self.output(site, traversal, passage)
            case "module" if block.labels:
                yield from self.call(site, traversal, block.labels[0], passage)
            case "variable" | "terraform":
                return
            case _:
                yield from self.taken(site, traversal, passage)

    def taken(self, site: Site, traversal: Traversal, passage: Passage) -> Iterator[Arrival]:
        """Yield the arrival at a block, and the places that the value of a data source reaches."""
        block = site.block
        if site.path == ("count",):
            yield _deciding(site, traversal, passage)
        elif site.path[-1] == "for_each":
            yield from self.each(site, traversal, passage)
        elif not passage.compared:
            yield Arrival(site=site, traversal=traversal, passage=passage)
            if block.type in _READ_ON and len(block.labels) > 1:
                name = (block.type, *block.labels[:2])
                yield from self.read(site.module, name, None, passage)

    def read(
        self, module: ModulePath, name: tuple[str, ...], key: str | None, passage: Passage
    ) -> Iterator[Arrival]:
        """Follow the references to `local.a`, `var.a` or `data.type.a`.

        `key` is the object key of the value; None if the value is not under a key.
        """
        if not self.first_time(module, ".".join(name), key, passage):
            return
        for site, traversal in traversals_of(self.configuration, module, name[0], name[1]):
            behind = traversal.steps[len(name) - 1 :]
            if len(name) > 2 and (not traversal.steps[1:] or traversal.steps[1].name != name[2]):
                continue
            if (
                key is not None
                and behind
                and step_key(behind[0], site.file.data) not in {key, None}
            ):
                continue
            taken = behind[-1].name if len(name) > 2 and behind else None
            yield from self.visit(site, traversal, passage.behind(taken))

    def output(self, site: Site, traversal: Traversal, passage: Passage) -> Iterator[Arrival]:
        module, labels = site.module, site.block.labels
        if site.path[0] != "value" or not labels:
            return
        if not module:
            if not passage.compared:
                yield Arrival(site=site, traversal=traversal, passage=passage)
            return
        key = _object_key(site, traversal)
        if not self.first_time(module, f"output.{labels[0]}", key, passage):
            return
        for reader, reading in traversals_of(self.configuration, module[:-1], "module", module[-1]):
            names = [step for step in reading.steps[1:] if step.name is not None]
            if names and names[0].name != labels[0]:
                continue
            if key is not None and len(names) > 1 and names[1].name != key:
                continue
            yield from self.visit(reader, reading, passage)

    def call(
        self, site: Site, traversal: Traversal, call: str, passage: Passage
    ) -> Iterator[Arrival]:
        inner, argument = (*site.module, call), site.path[0]
        if argument in _MODULE_META:
            return
        if argument == "count":
            yield _deciding(site, traversal, passage)
        elif argument == "for_each":
            yield from self.call_of_each(site, traversal, call, passage)
        elif inner in self.configuration.modules:
            key = _object_key(site, traversal)
            yield from self.read(inner, ("var", argument), key, passage)
        elif not passage.compared:
            yield Arrival(site=site, traversal=traversal, passage=passage)

    def call_of_each(
        self, site: Site, traversal: Traversal, call: str, passage: Passage
    ) -> Iterator[Arrival]:
        """Follow `for_each` of a module call to the arguments that take `each.value`."""
        if passage.compared or passage.shapes:
            yield _deciding(site, traversal, passage)
            return
        for other in _beside(site):
            if other.path[0] in {*_MODULE_META, "count", "for_each"}:
                continue
            data = other.file.data
            for each in traversals(other.attribute.expression, data):
                is_key = bool(each.steps) and each.steps[0].name == "key"
                behind = passage.through(each, data, self.labels)
                if each.root == "each" and not is_key and behind is not None:
                    yield from self.call(other, each, call, behind)

    def each(self, site: Site, traversal: Traversal, passage: Passage) -> Iterator[Arrival]:
        """Follow `for_each` to the references to `each.value` or to a dynamic block's iterator.

        The key of a set is the value itself.
        """
        is_outer = site.path == ("for_each",)
        keyed = is_outer and (passage.compared or passage.shapes)
        passage = replace(passage, keyed=passage.keyed or keyed)
        if keyed:
            yield Arrival(site=site, traversal=traversal, passage=passage)
        if passage.compared:
            return
        roots = {"each"} if is_outer else _iterators(site.block, site)
        for other in _beside(site):
            if other.attribute.span != site.attribute.span and not is_condition(other):
                data = other.file.data
                for each in traversals(other.attribute.expression, data):
                    is_key = bool(each.steps) and each.steps[0].name == "key"
                    if each.root not in roots or (is_key and not passage.shapes):
                        continue
                    behind = passage.through(each, data, self.labels)
                    if behind is not None and not behind.compared:
                        yield Arrival(site=other, traversal=each, passage=behind)

    def first_time(self, module: ModulePath, name: str, key: str | None, passage: Passage) -> bool:
        entry = (module, name, key or "", passage.kind)
        known = entry in self.seen
        self.seen.add(entry)
        return not known


def _deciding(site: Site, traversal: Traversal, passage: Passage) -> Arrival:
    """Return the arrival at an attribute that decides which instances there are."""
    return Arrival(site=site, traversal=traversal, passage=replace(passage, keyed=True))


def step_key(step: TraversalStep, data: bytes) -> str | None:
    """Return the name that a step selects: an attribute or a plain text index; None otherwise."""
    if step.name is not None:
        return step.name
    text = step.span.of(data).decode("utf-8", "replace").strip("[] \t\r\n")
    plain = len(text) > 1 and text.startswith('"') and text.endswith('"') and "${" not in text
    return text[1:-1] if plain else None


def _object_key(site: Site, traversal: Traversal) -> str | None:
    """Return the key of a value in an object that is written out, or merged; None without one."""
    node, key = traversal.node, None
    while node.parent is not None and node.parent.type != "attribute":
        if node.type == "object_elem":
            name = node.child_by_field_name("key")
            text = (
                site.file.data[name.start_byte : name.end_byte].decode("utf-8", "replace")
                if name is not None
                else ""
            )
            key = text.strip('"') or None
        elif key is not None and node.type not in _AROUND and not _merges(node, site.file.data):
            return None
        node = node.parent
    return key if key is not None and "${" not in key and not key.startswith("(") else None


def _merges(node: Node, data: bytes) -> bool:
    """Return whether a node is a call of `merge`, which keeps keys, or the arguments of one."""
    call = node.parent if node.type == "function_arguments" else node
    name = call.children[0] if call is not None and call.type == "function_call" else None
    return name is not None and data[name.start_byte : name.end_byte] == b"merge"


def _beside(site: Site) -> Iterator[Site]:
    for other in sites(site.file, site.module):
        if other.block is site.block or other.block.span == site.block.span:
            yield other


def _iterators(block: Block, site: Site) -> set[str]:
    """Return the iterator names of the dynamic blocks around a site."""
    stack, found = list(block.body.blocks), set[str]()
    while stack:
        current = stack.pop()
        stack.extend(current.body.blocks)
        if (
            current.type == "dynamic"
            and current.span.start <= site.attribute.span.start < current.span.end
            and current.labels
        ):
            iterator = current.attribute("iterator")
            name = (
                iterator.value.of(site.file.data).decode("utf-8", "replace")
                if iterator is not None
                else current.labels[0]
            )
            found.add(name.strip())
    return found
