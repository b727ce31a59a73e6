"""The facts of the .tf files for a rotation: certificates, uses of their ids, and obstacles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.address import Address
from checker.model.location import Location
from checker.model.rotation import Caution, TrustConsumer

if TYPE_CHECKING:
    from checker.model.exemptions import Exemption, FaultyExemption


class Obstacle(Struct, frozen=True, kw_only=True):
    """A reason why tfcert cannot write a rotation safely, and what the user must do instead."""

    reason: str
    remedy: str
    location: Location | None = None


class UnreadLineage(Struct, frozen=True, kw_only=True):
    """A lineage comment (it names the predecessor of a certificate) that cannot be parsed.

    `module` is the module that contains it. `names` is the block that it names, if that much can be
    read.
    """

    module: tuple[str, ...]
    location: Location
    reason: str
    remedy: str
    names: Address | None = None


class DeclaredCertificate(Struct, frozen=True, kw_only=True):
    """A certificate block of the configuration.

    Addresses are block addresses, without instance keys. `succeeds` is the predecessor's block;
    `succeeds_id` is the predecessor's id if Terraform does not manage it. `stages` are the stage
    blocks that its id reaches. `opaque` has the paths of modules that take the id and whose source
    is elsewhere. `pointers` are the references that repoint would move. `creation_runs` names the
    code that the block runs when it is created. `destroy_runs` names the code that it runs when it
    is destroyed, and that takes a value of the block. `description` is the literal description.
    `repeated`: the block has `count` or `for_each`. `has_region`: it has a `region` of its own.
    """

    block: Address
    location: Location
    succeeds: Address | None = None
    succeeds_id: str | None = None
    stages: frozenset[Address] = frozenset()
    opaque: frozenset[tuple[str, ...]] = frozenset()
    pointers: tuple[Location, ...] = ()
    trust: tuple[TrustConsumer, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    cautions: tuple[Caution, ...] = ()
    creation_runs: tuple[str, ...] = ()
    destroy_runs: tuple[str, ...] = ()
    description: str | None = None
    repeated: bool = False
    has_region: bool = False


class DeclaredLiteral(Struct, frozen=True, kw_only=True):
    """A text that may be a certificate's id, with the stage blocks that take it and its module."""

    identity: str
    module: tuple[str, ...]
    stages: frozenset[Address]
    location: Location
    obstacles: tuple[Obstacle, ...] = ()
    cautions: tuple[Caution, ...] = ()


class DeclaredStage(Struct, frozen=True, kw_only=True):
    """A stage block of the configuration.

    `takes` describes the source of its certificate id, and `remedy` says what to do there; both are
    None if the block has no certificate attribute. `ignores`: its lifecycle ignores changes of that
    attribute.
    """

    block: Address
    location: Location
    takes: str | None = None
    remedy: str | None = None
    ignores: bool = False


class Removed(Struct, frozen=True, kw_only=True):
    """A `removed` block; it names a resource's block, or a whole module (`block` is None).

    `module` is the module path. `destroys` is None if the block does not say: then Terraform
    destroys the object, and OpenTofu forgets it. Source: Terraform and OpenTofu, "removed block".
    """

    module: tuple[str, ...]
    block: Address | None
    destroys: bool | None
    location: Location

    def names(self, block: Address) -> bool:
        """Return whether this names the block, directly or by its module."""
        return (
            self.block == block
            if self.block is not None
            else block.module_path[: len(self.module)] == self.module
        )


class HashedFile(Struct, frozen=True, kw_only=True):
    """A place whose value changes with every edit of a configuration file.

    If `file` is None, it changes with every configuration file.
    """

    place: Location
    file: str | None


class ConfigurationFacts(Struct, frozen=True, kw_only=True, dict=True):
    """The configuration of one root module.

    `modules` are the paths of the modules that could be read. `unread` names the files that mention
    client certificates and were not understood: JSON, overrides, .tofu, and files that cannot be
    parsed. `json_advice` says what to write in the JSON files, by the module, type and name of the
    certificate. `unparsed` are the places where a file stops being HCL, in files that mention
    client certificates or call modules. `twins` maps each .tofu file to the file that OpenTofu
    skips because of it. `named_in_json` maps each JSON file in `unread` to the certificates that it
    names, by module, type and name. `elsewhere` maps the path of each module that is not a local
    folder to its source.

    `exemptions` are those of `tfcert:ignore` comments, and `faulty` the comments of this kind that
    cannot be used. `unread_lineage` are comments that should name a predecessor and cannot be
    parsed. `renamed` maps each certificate block that a `moved` block renames to its new address.
    `removed` are the `removed` blocks; `imported` are the certificate blocks that `import` blocks
    name. `hashes` are the places that hash configuration files. `unsearched` names every file that
    Terraform or OpenTofu reads and tfcert does not parse, even if it does not mention client
    certificates: it may use the PEM.
    """

    directory: str
    certificates: tuple[DeclaredCertificate, ...] = ()
    stages: tuple[DeclaredStage, ...] = ()
    literals: tuple[DeclaredLiteral, ...] = ()
    modules: frozenset[tuple[str, ...]] = frozenset({()})
    unread: tuple[str, ...] = ()
    unparsed: tuple[Location, ...] = ()
    twins: Mapping[str, str] = MappingProxyType({})
    named_in_json: Mapping[str, frozenset[tuple[tuple[str, ...], str, str]]] = MappingProxyType({})
    json_advice: Mapping[tuple[tuple[str, ...], str, str], str] = MappingProxyType({})
    elsewhere: Mapping[tuple[str, ...], str] = MappingProxyType({})
    locations: Mapping[Address, Location] = MappingProxyType({})
    exemptions: tuple[Exemption, ...] = ()
    faulty: tuple[FaultyExemption, ...] = ()
    unread_lineage: tuple[UnreadLineage, ...] = ()
    renamed: Mapping[Address, Address] = MappingProxyType({})
    removed: tuple[Removed, ...] = ()
    imported: Mapping[Address, Location] = MappingProxyType({})
    hashes: tuple[HashedFile, ...] = ()
    unsearched: tuple[str, ...] = ()

    def removal(self, block: Address) -> Removed | None:
        """Return the `removed` block that names a block or its module."""
        return next((each for each in self.removed if each.names(block)), None)

    def certificate(self, block: Address) -> DeclaredCertificate | None:
        """Return the declared certificate with that block address."""
        return self._certificates.get(block)

    def lacks(self, block: Address) -> bool:
        """Return whether the configuration certainly has no such block.

        This is certain only if each of its files was read, and no `moved` block renames it.
        """
        unsure = (
            self.may_declare(block)
            or block.module_path not in self.modules
            or block in self.renamed
        )
        return not unsure and self.certificate(block) is None

    def may_declare(self, block: Address) -> tuple[str, ...]:
        """Return the files that were not understood and may declare a block.

        A JSON file counts only if it names the block.
        """
        key = (block.module_path, block.type, block.name)
        return tuple(
            path
            for path in self.unread
            if path not in self.named_in_json or key in self.named_in_json[path]
        )

    def literal(self, identity: str) -> DeclaredLiteral | None:
        """Return the literal with this id."""
        return self._literals.get(identity)

    def successors(self, block: Address) -> tuple[DeclaredCertificate, ...]:
        """Return the certificates whose lineage names that block."""
        return self._successors.get(block, ())

    def stage(self, block: Address) -> DeclaredStage | None:
        """Return the declared stage with that block address."""
        return self._stages.get(block)

    @cached_property
    def _certificates(self) -> Mapping[Address, DeclaredCertificate]:
        """The first certificate with each block address."""
        return {each.block: each for each in reversed(self.certificates)}

    @cached_property
    def _successors(self) -> Mapping[Address, tuple[DeclaredCertificate, ...]]:
        found: dict[Address, list[DeclaredCertificate]] = {}
        for each in self.certificates:
            if each.succeeds is not None:
                found.setdefault(each.succeeds, []).append(each)
        return {block: tuple(several) for block, several in found.items()}

    @cached_property
    def _literals(self) -> Mapping[str, DeclaredLiteral]:
        return {each.identity: each for each in reversed(self.literals)}

    @cached_property
    def _stages(self) -> Mapping[Address, DeclaredStage]:
        return {each.block: each for each in reversed(self.stages)}
