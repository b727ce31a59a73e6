"""From a certificate forwards to the stages that its id reaches: through locals, module arguments and outputs.

The search starts at the certificate, not at an attribute's name, so that only its own references are ever touched
(`facts/hcl.md` 2). Every step widens rather than narrows: a stage that is reached may take the id under some condition.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.keys import labels_around, may_be_key
from checker.hcl.references import Reference, Site, Use, named, references
from checker.hcl.traversal import Traversal, traversals

STAGES = frozenset({"aws_api_gateway_stage", "aws_apigatewayv2_stage", "awscc_apigateway_stage"})
POINTER = "client_certificate_id"

_MODULE_META = frozenset({"source", "version", "providers", "depends_on", "count", "for_each"})
StageBlock = tuple[ModulePath, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Where a certificate goes: its references, the stage blocks that its id reaches, and the modules that cannot be read.

    `opaque` holds the paths of module calls with a source elsewhere that are handed the id; `keys` the places where the id
    becomes the key of an instance.
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
        """Follow a value that an attribute holds to wherever that attribute is read."""
        self.labels |= labels_around(traversal, site.file.data)
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
        for site, traversal in named(self.configuration, module, root, name):
            self.visit(site, traversal)

    def follow_output(self, module: ModulePath, output: str) -> None:
        if (module, "output", output) in self.seen:
            return
        self.seen.add((module, "output", output))
        for site, traversal in named(self.configuration, module[:-1], "module", module[-1]):
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
                    traversal.root == "each" for traversal in traversals(attribute.expression, site.file.data)
                ):
                    self.follow(inner, "var", attribute.name)
        elif argument not in _MODULE_META:
            self.follow(inner, "var", argument)


def follow(configuration: Configuration, module: ModulePath, kind: str, name: str) -> Flow:
    """Find where the certificate `kind.name` of a module goes."""
    found = tuple(references(configuration, module, kind, name))
    search = _Search(configuration)
    for reference in found:
        if reference.use in {Use.POINTER, Use.WHOLE}:
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
    return pointer is not None and any(traversal.root == "each" for traversal in traversals(pointer.expression, site.file.data))
