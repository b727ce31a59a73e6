"""Find every place that a value reaches in a configuration.

The search follows locals, module arguments and outputs, data sources, `for_each` and dynamic
blocks. `checker.hcl.flow` follows an id to the stages; this module follows any value to every block
that takes it. The search widens rather than narrows: a place may take the value only under some
condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.references import Site, sites, traversals_of
from checker.hcl.syntax import Block, Traversal, TraversalStep, traversals

# A value in one of these blocks is followed through references to the block.
_READ_ON = frozenset({"data", "ephemeral"})
_META_BLOCKS = frozenset({"import", "moved", "removed", "check"})
_CONDITIONS = frozenset({"precondition", "postcondition", "assert", "validation"})
_MODULE_META = frozenset({"source", "version", "providers", "depends_on", "count"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Arrival:
    """A place that a value reaches, and the reference that brings the value there."""

    site: Site
    traversal: Traversal

    @property
    def line(self) -> int:
        """Return the line of the reference, counted from 1."""
        return self.site.file.line(self.traversal.span.start)


def arrivals(configuration: Configuration, site: Site, traversal: Traversal) -> Iterator[Arrival]:
    """Yield the places that a value reaches from one reference on.

    The places are resources, root outputs, providers and modules from elsewhere. A condition only
    checks the value, so it is not one of these places.
    """
    search = _Search(configuration)
    yield from search.visit(site, traversal)


def is_condition(site: Site) -> bool:
    """Return whether an attribute is in a condition, which only checks a value."""
    return site.block.type in _META_BLOCKS or not _CONDITIONS.isdisjoint(site.path)


@dataclass(slots=True)
class _Search:
    configuration: Configuration
    seen: set[tuple[ModulePath, str, str]] = field(default_factory=set)

    def visit(self, site: Site, traversal: Traversal) -> Iterator[Arrival]:
        if is_condition(site):
            return
        block, path, module = site.block, site.path, site.module
        match block.type:
            case "locals":
                yield from self.read(module, ("local", path[0]), _object_key(site, traversal))
            case "output":
                yield from self.output(site, traversal)
            case "module" if block.labels:
                yield from self.call(site, traversal, block.labels[0])
            case "variable" | "terraform":
                return
            case kind if kind in _READ_ON and len(block.labels) > 1:
                yield Arrival(site=site, traversal=traversal)
                yield from self.read(module, (kind, *block.labels[:2]), None)
            case _ if path[-1] == "for_each":
                yield from self.each(site)
            case _:
                yield Arrival(site=site, traversal=traversal)

    def read(self, module: ModulePath, name: tuple[str, ...], key: str | None) -> Iterator[Arrival]:
        """Follow the references to `local.a`, `var.a` or `data.type.a`.

        `key` is the object key of the value; None if the value is not under a key.
        """
        if not self.first_time(module, ".".join(name), key):
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
            yield from self.visit(site, traversal)

    def output(self, site: Site, traversal: Traversal) -> Iterator[Arrival]:
        module, labels = site.module, site.block.labels
        if site.path[0] != "value" or not labels:
            return
        if not module:
            yield Arrival(site=site, traversal=traversal)
            return
        key = _object_key(site, traversal)
        if not self.first_time(module, f"output.{labels[0]}", key):
            return
        for reader, reading in traversals_of(self.configuration, module[:-1], "module", module[-1]):
            names = [step for step in reading.steps[1:] if step.name is not None]
            if names and names[0].name != labels[0]:
                continue
            if key is not None and len(names) > 1 and names[1].name != key:
                continue
            yield from self.visit(reader, reading)

    def call(self, site: Site, traversal: Traversal, call: str) -> Iterator[Arrival]:
        inner, argument = (*site.module, call), site.path[0]
        if argument in _MODULE_META:
            return
        if argument == "for_each":
            for other in _beside(site):
                if other.path[0] not in {*_MODULE_META, "for_each"}:
                    for each in traversals(other.attribute.expression, other.file.data):
                        if each.root == "each":
                            yield from self.call(other, each, call)
        elif inner in self.configuration.modules:
            yield from self.read(inner, ("var", argument), _object_key(site, traversal))
        else:
            yield Arrival(site=site, traversal=traversal)

    def each(self, site: Site) -> Iterator[Arrival]:
        """Follow `for_each` to the references to `each.value` or to a dynamic block's iterator."""
        roots = {"each"} if site.path == ("for_each",) else _iterators(site.block, site)
        for other in _beside(site):
            if other.attribute.span != site.attribute.span and not is_condition(other):
                for each in traversals(other.attribute.expression, other.file.data):
                    if each.root in roots and not (each.steps and each.steps[0].name == "key"):
                        yield Arrival(site=other, traversal=each)

    def first_time(self, module: ModulePath, name: str, key: str | None) -> bool:
        entry = (module, name, key or "")
        known = entry in self.seen
        self.seen.add(entry)
        return not known


def step_key(step: TraversalStep, data: bytes) -> str | None:
    """Return the name that a step selects: an attribute or a plain text index; None otherwise."""
    if step.name is not None:
        return step.name
    text = step.span.of(data).decode("utf-8", "replace").strip("[] \t\r\n")
    plain = len(text) > 1 and text.startswith('"') and text.endswith('"') and "${" not in text
    return text[1:-1] if plain else None


def _object_key(site: Site, traversal: Traversal) -> str | None:
    """Return the key of a value in an object that is written out; None without one."""
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
        elif key is not None and node.type not in {"object", "collection_value", "expression"}:
            return None
        node = node.parent
    return key if key is not None and "${" not in key and not key.startswith("(") else None


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
