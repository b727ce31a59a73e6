"""What the .tf files say, in the words of a rotation: certificates, where their ids go, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from checker._value import having
from checker.model.address import Address
from checker.model.location import Location
from checker.model.rotation import Caution, TrustConsumer

if TYPE_CHECKING:
    from checker.model.exemptions import Exemption, FaultyExemption

_block, _succeeds, _identity = attrgetter("block"), attrgetter("succeeds"), attrgetter("identity")


class Obstacle(Struct, frozen=True, kw_only=True):
    """A reason why tfcert cannot write a rotation safely, and what a person must do instead."""

    reason: str
    remedy: str
    location: Location | None = None


class UnreadLineage(Struct, frozen=True, kw_only=True):
    """A comment that is meant to say what a certificate succeeds and cannot be read, and the module that it stands in.

    `names` is the block that it names, where that much can be read.
    """

    module: tuple[str, ...]
    location: Location
    reason: str
    remedy: str
    names: Address | None = None


class DeclaredCertificate(Struct, frozen=True, kw_only=True):
    """A certificate block of the configuration; addresses are those of blocks, without instance keys.

    What it succeeds is another block, or the id of a certificate that Terraform does not manage. `stages` are the stage blocks that
    its id reaches; `opaque` the module paths, of modules with a source elsewhere, that are handed it. `pointers` counts the
    references that repoint would move. `creation_runs` names what the block runs when it is created. `description` is the
    literal one. `repeated`: the block has `count` or `for_each`.
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
    description: str | None = None
    repeated: bool = False


class DeclaredLiteral(Struct, frozen=True, kw_only=True):
    """A text that may be a certificate's id: the stage blocks that take it, and the module in which it stands."""

    identity: str
    module: tuple[str, ...]
    stages: frozenset[Address]
    location: Location
    obstacles: tuple[Obstacle, ...] = ()
    cautions: tuple[Caution, ...] = ()


class DeclaredStage(Struct, frozen=True, kw_only=True):
    """A stage block, what its certificate attribute may take its id from, in words, and what to do there.

    Both are None where it has no such attribute. `ignores`: its lifecycle ignores changes of that attribute.
    """

    block: Address
    location: Location
    takes: str | None = None
    remedy: str | None = None
    ignores: bool = False


class Removed(Struct, frozen=True, kw_only=True):
    """A `removed` block: it names a resource's block, or with `block` None a whole module by the path in `module`.

    `destroys` is None where the block does not say: Terraform then destroys the object, and OpenTofu forgets it. Source: Terraform
    and OpenTofu, "removed block".
    """

    module: tuple[str, ...]
    block: Address | None
    destroys: bool | None
    location: Location

    def names(self, block: Address) -> bool:
        """Whether the block is meant, by itself or with its module."""
        return (
            self.block == block
            if self.block is not None
            else block.module_path[: len(self.module)] == self.module
        )


class HashedFile(Struct, frozen=True, kw_only=True):
    """A place whose value changes with every edit of a file of the configuration; `file` is None for all of them."""

    place: Location
    file: str | None


class ConfigurationFacts(Struct, frozen=True, kw_only=True):
    """The configuration of one root module.

    `modules` are the paths of the modules that could be read; `unread` names the files that speak of client certificates and were
    not understood: JSON, overrides, .tofu, and what cannot be parsed; `by_hand` says what to write in those of JSON, by
    the module, type and name of the certificate. `unparsed` are the places where a file stops being HCL: files that speak of
    client certificates or call modules. `twins` gives for each .tofu file the file that OpenTofu does not read because of it.
    `named_in_json` gives for each JSON file in `unread` the certificates that it names, by module, type and name. `elsewhere`
    gives the source of each module that is no folder here, by its path. `exemptions` are those of `tfcert:ignore` comments,
    `faulty` the comments that are none; `unread_lineage` those that are meant to name a predecessor and cannot be read.
    `renamed` gives the new address of each certificate's block that a `moved` block renames. `removed` are the `removed` blocks,
    and `imported` the certificate blocks that `import` blocks name. `hashes` are the places that hash files of the configuration.
    `unsearched` names every file that Terraform or OpenTofu reads and tfcert does not parse, whether or not it speaks of client
    certificates: the PEM may be used in it.
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
    by_hand: Mapping[tuple[tuple[str, ...], str, str], str] = MappingProxyType({})
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
        """The `removed` block that names a block or its module."""
        return next((each for each in self.removed if each.names(block)), None)

    def certificate(self, block: Address) -> DeclaredCertificate | None:
        """The declared certificate with that block address."""
        return next(iter(having(self.certificates, _block, block)), None)

    def lacks(self, block: Address) -> bool:
        """Whether it is certain that the configuration has no such block: each of its files was read, and none renames it."""
        unsure = (
            self.may_declare(block)
            or block.module_path not in self.modules
            or block in self.renamed
        )
        return not unsure and self.certificate(block) is None

    def may_declare(self, block: Address) -> tuple[str, ...]:
        """The files that were not understood and that may declare a block: a JSON file only where it names the block."""
        key = (block.module_path, block.type, block.name)
        return tuple(
            path
            for path in self.unread
            if path not in self.named_in_json or key in self.named_in_json[path]
        )

    def literal(self, identity: str) -> DeclaredLiteral | None:
        """The text that is this id."""
        return next(iter(having(self.literals, _identity, identity)), None)

    def successors(self, block: Address) -> tuple[DeclaredCertificate, ...]:
        """The certificates whose lineage names that block."""
        return having(self.certificates, _succeeds, block)

    def stage(self, block: Address) -> DeclaredStage | None:
        """The declared stage with that block address."""
        return next(iter(having(self.stages, _block, block)), None)
