"""Follow a certificate forward to the stages that use it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from checker.git import find_repository
from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.references import Reference, ReferenceUse, Site, references, traversals_of
from checker.hcl.regular_files import read_regular
from checker.hcl.syntax import Traversal, traversals
from checker.model.configuration_files import SUFFIXES

if TYPE_CHECKING:
    from tree_sitter import Node


_SETS = frozenset({"toset", "setunion", "setintersection", "setsubtract", "setproduct", "zipmap"})


def enclosing_keys(traversal: Traversal, data: bytes) -> frozenset[str]:
    """Return the keys of the objects around a traversal.

    For `aws_x.y.id` in `{ certificate = aws_x.y.id }` this is `certificate`.
    """
    found: set[str] = set()
    node: Node | None = traversal.node
    while node is not None and node.type not in {"attribute", "block"}:
        key = node.child_by_field_name("key") if node.type == "object_elem" else None
        if key is not None:
            found.add(_text(key, data).strip('"'))
        node = node.parent
    return frozenset(found)


def may_be_key(traversal: Traversal, data: bytes, labels: frozenset[str]) -> bool:
    """Return whether a value becomes an element of a set or a key of a map.

    This happens at the traversal or by a `for` over its container. `labels` are the keys of the
    objects that the value may have been under on its way here.
    """
    labels = labels | enclosing_keys(traversal, data)
    inner: Node = traversal.node
    node = inner.parent
    while node is not None and node.type not in {"attribute", "block"}:
        if node.type == "object_elem" and node.child_by_field_name("key") == inner:
            return True
        if (
            node.type == "function_call"
            and node.children[0] != inner
            and _text(node.children[0], data) in _SETS
        ):
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
        if (
            names
            and taken.root == names[-1]
            and (not taken.steps or {step.name for step in taken.steps} & {*labels, None})
        ):
            return True
    return False


def _text(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")


STAGES = frozenset({"aws_api_gateway_stage", "aws_apigatewayv2_stage", "awscc_apigateway_stage"})
POINTER = "client_certificate_id"

_MODULE_META = frozenset({"source", "version", "providers", "depends_on", "count", "for_each"})
StageBlock = tuple[ModulePath, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The flow of a certificate: its references, and the stage blocks that its id reaches.

    `opaque` has the paths of module calls that take the id and whose source is elsewhere, so cannot
    be read. `keys` has the places where the id becomes the key of an instance.
    """

    references: tuple[Reference, ...]
    stages: frozenset[StageBlock]
    opaque: frozenset[ModulePath]
    sites: tuple[Site, ...]
    keys: tuple[Site, ...] = ()


@dataclass(slots=True)
class _Search:
    configuration: Configuration
    seen: set[tuple[ModulePath, str, str]] = field(default_factory=set)
    stages: set[StageBlock] = field(default_factory=set)
    opaque: set[ModulePath] = field(default_factory=set)
    sites: list[Site] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    keyed: list[Site] = field(default_factory=list)
    loops: list[Site] = field(default_factory=list)

    def visit(self, site: Site, traversal: Traversal) -> None:
        """Follow the value of an attribute to every reader of that attribute."""
        self.labels |= enclosing_keys(traversal, site.file.data)
        if may_be_key(traversal, site.file.data, frozenset(self.labels)):
            self.keyed.append(site)
        if site.path == ("for_each",):
            self.loops.append(site)
        block, path, module = site.block, site.path, site.module
        if block.type == "resource" and len(block.labels) > 1 and block.labels[0] in STAGES:
            if path == (POINTER,) or (path == ("for_each",) and _takes_each(site)):
                self.stages.add((module, block.labels[0], block.labels[1]))
                self.sites.append(site)
        elif block.type == "locals":
            self.follow(module, "local", path[0])
        elif block.type == "output" and block.labels and path[0] == "value" and module:
            self.follow_output(module, block.labels[0])
        elif block.type == "module" and block.labels:
            self.follow_call(site, block.labels[0])

    def follow(self, module: ModulePath, root: str, name: str) -> None:
        if (module, root, name) in self.seen:
            return
        self.seen.add((module, root, name))
        for site, traversal in traversals_of(self.configuration, module, root, name):
            self.visit(site, traversal)

    def follow_output(self, module: ModulePath, output: str) -> None:
        if (module, "output", output) in self.seen:
            return
        self.seen.add((module, "output", output))
        for site, traversal in traversals_of(self.configuration, module[:-1], "module", module[-1]):
            taken = traversal.first_attribute_after(0)
            if taken in {output, None}:
                self.visit(site, traversal)

    def follow_call(self, site: Site, call: str) -> None:
        inner = (*site.module, call)
        argument = site.path[0]
        if inner not in self.configuration.modules:
            self.opaque.add(inner)
        elif argument == "for_each":
            for attribute in site.block.body.attributes:
                if attribute.name not in _MODULE_META and any(
                    traversal.root == "each"
                    for traversal in traversals(attribute.expression, site.file.data)
                ):
                    self.follow(inner, "var", attribute.name)
        elif argument not in _MODULE_META:
            self.follow(inner, "var", argument)


def follow_certificate(
    configuration: Configuration, module: ModulePath, kind: str, name: str
) -> Flow:
    """Return the flow of the certificate `kind.name` of a module."""
    found = tuple(references(configuration, module, kind, name))
    search = _Search(configuration)
    for reference in found:
        if reference.use in {ReferenceUse.POINTER, ReferenceUse.WHOLE}:
            search.visit(reference.site, reference.traversal)
    return Flow(
        references=found,
        stages=frozenset(search.stages),
        opaque=frozenset(search.opaque),
        sites=tuple(search.sites),
        keys=tuple(search.keyed) if search.loops else (),
    )


def _takes_each(site: Site) -> bool:
    pointer = site.block.attribute(POINTER)
    return pointer is not None and any(
        traversal.root == "each" for traversal in traversals(pointer.expression, site.file.data)
    )


_SOURCE = re.compile(rb'(?m)^\s*(?:module\s+"?[\w-]+"?\s*\{\s*)?source\s*=\s*"(\.{1,2}/[^"\n]*)"')
_SOURCE_IN_JSON = re.compile(rb'"source"\s*:\s*"(\.{1,2}/[^"\n]*)"')
_PASSED_OVER = frozenset({"node_modules", "vendor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A call of a local module outside this configuration.

    `path` is relative to the repository's root.
    """

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def other_callers(configuration: Configuration, directory: str) -> tuple[Caller, ...]:
    """Return the calls of a module's folder by other configurations of the repository."""
    root = Path(configuration.root).resolve()
    top = find_repository(root)
    if top is None:
        return ()
    if not configuration.local_calls:
        own = {_absolute(root, module.directory) for module in configuration.modules.values()}
        for folder, caller in _calls(top, own):
            configuration.local_calls.setdefault(folder, []).append((caller.path, caller.line))
        # This entry marks the repository as walked, even without results; no folder has this name.
        configuration.local_calls.setdefault("", [])
    found = configuration.local_calls.get(_absolute(root, directory), [])
    return tuple(Caller(path=path, line=line) for path, line in found)


def _calls(top: Path, own: set[str]) -> Iterator[tuple[str, Caller]]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(
            each for each in folders if not each.startswith(".") and each not in _PASSED_OVER
        )
        if Path(folder).as_posix() in own:
            continue
        for name in sorted(names):
            if not name.endswith(SUFFIXES):
                continue
            try:
                data = read_regular(Path(folder, name))
            except OSError:
                continue
            pattern = _SOURCE_IN_JSON if name.endswith(".json") else _SOURCE
            for found in pattern.finditer(data) if b"module" in data else ():
                source = found.group(1).decode("utf-8", "replace")
                path = Path(folder, name).relative_to(top).as_posix()
                yield (
                    _absolute(Path(folder), source),
                    Caller(path=path, line=data.count(b"\n", 0, found.start(1)) + 1),
                )


def _absolute(folder: Path, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder.as_posix(), path))
