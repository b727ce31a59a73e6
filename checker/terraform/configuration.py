"""Read a folder's .tf files and return the declared certificates and their flows."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from checker.hcl.configuration import (
    Configuration,
    ModulePath,
    literal_string,
    load_configuration,
    read_foreign,
    unparsed,
)
from checker.hcl.consumers import Consumer, consumers, id_arrivals
from checker.hcl.file_hashes import file_hashes
from checker.hcl.flow import POINTER, STAGES, follow_certificate
from checker.hcl.json_advice import is_json, json_certificates, json_edit
from checker.hcl.literals import VarFiles, declaring_module, literal_obstacles, literal_uses
from checker.hcl.obstacles import EditObstacle, certificate_obstacles, ignored_pointer
from checker.hcl.origins import Producer, origins, source_of
from checker.hcl.provisioners import runs
from checker.hcl.references import ReferenceUse, Site
from checker.hcl.syntax import Block, SourceFile, parses
from checker.model.address import Address
from checker.model.configuration import (
    ConfigurationFacts,
    DeclaredCertificate,
    DeclaredLiteral,
    DeclaredStage,
    HashedFile,
    Obstacle,
    Removed,
)
from checker.model.location import Location
from checker.model.resource_types import CERTIFICATES
from checker.model.rotation import Delivery, JoinedTrust, Phase, TrustConsumer
from checker.terraform.cautions import (
    ProducerWords,
    describe_origins,
    flow_obstacles_declared,
    of_destroy,
    of_runs,
    of_tests,
    of_units,
    triggered,
)
from checker.terraform.lineage import LineageReader, block_address, faulty_lineage

if TYPE_CHECKING:
    from checker.model.exemptions import Exemption, FaultyExemption


_KEY = rb"(?:\[[^\]]*\])?"
_MODULES = rb"((?:module\.[\w-]+" + _KEY + rb"\.)*)"
_RESOURCE = re.compile(_MODULES + rb"(\w+)\.([\w-]+)" + _KEY)
_MODULE = re.compile(rb"((?:module\.[\w-]+" + _KEY + rb"\.)*module\.[\w-]+)" + _KEY)
_STEP = re.compile(rb"module\.([\w-]+)")


def read_configuration(
    directory: str, shown_as: str
) -> tuple[Configuration, ConfigurationFacts] | None:
    """Read the .tf files of a folder; return None if it has none.

    `shown_as` is the prefix of every file name, so that a report shows paths relative to the user's
    directory.
    """
    configuration = load_configuration(directory)
    if configuration is None:
        return None
    return configuration, configuration_facts(configuration, shown_as)


def configuration_facts(configuration: Configuration, shown_as: str = "") -> ConfigurationFacts:
    """Return the facts of a configuration.

    These are its certificates, their lineage, the users of their ids, and the obstacles to a
    rotation.
    """
    reader = _Reader(configuration, shown_as)
    certificates = tuple(reader.certificates())
    stages = tuple(reader.stages())
    exemptions, faulty = reader.inline()
    unread_lineage = tuple(reader.lineage.unread())
    return ConfigurationFacts(
        directory=configuration.root,
        certificates=certificates,
        stages=stages,
        literals=tuple(reader.literals()),
        modules=frozenset(configuration.modules),
        unread=tuple(reader.unread()),
        unsearched=tuple(reader.unsearched()),
        unparsed=tuple(
            reader.location(file.path, fault.line) for file, fault in unparsed(configuration)
        ),
        twins=dict(reader.twins()),
        named_in_json=reader.named_in_json(),
        json_advice=reader.json_advice(),
        elsewhere={
            (*module.path, call): source_of(configuration, module.path, call)
            for module in configuration.modules.values()
            for call in module.opaque
        },
        locations={
            **{certificate.block: certificate.location for certificate in certificates},
            **{stage.block: stage.location for stage in stages},
        },
        exemptions=exemptions,
        faulty=(*faulty, *map(faulty_lineage, unread_lineage)),
        unread_lineage=unread_lineage,
        renamed=dict(reader.renamed()),
        removed=tuple(reader.removed()),
        imported=dict(reader.imported()),
        hashes=tuple(dict.fromkeys(reader.hashes())),
    )


Named = tuple[tuple[str, ...], tuple[str, str] | None]


def certificate_block(named: Named | None) -> Address | None:
    """Return the address of the certificate block with that name; None for any other name."""
    if named is None or named[1] is None or named[1][0] not in CERTIFICATES:
        return None
    return block_address(named[0], *named[1])


class _Reader:
    def __init__(self, configuration: Configuration, shown_as: str) -> None:
        self.configuration = configuration
        self.shown_as = shown_as
        self.var_files = VarFiles(configuration)
        self._foreign: dict[str, bytes] = {}
        self.lineage = LineageReader(configuration, self.location)

    def foreign(self, path: str) -> bytes:
        """Return the text of a file that is not edited; it is read from disk once."""
        if path not in self._foreign:
            self._foreign[path] = read_foreign(self.configuration, path)
        return self._foreign[path]

    def location(self, path: str, line: int) -> Location:
        shown = posixpath.normpath(posixpath.join(self.shown_as, path)) if self.shown_as else path
        return Location(shown, line)

    def resources(self, kinds: frozenset[str]) -> Iterator[tuple[ModulePath, SourceFile, Block]]:
        for module in sorted(self.configuration.modules):
            for file in self.configuration.in_module(module, b"client_certificate"):
                if not parses(file):
                    continue
                for block in file.body.blocks:
                    if (
                        block.type == "resource"
                        and len(block.labels) > 1
                        and block.labels[0] in kinds
                    ):
                        yield module, file, block

    def certificates(self) -> Iterator[DeclaredCertificate]:
        for module, file, block in self.resources(CERTIFICATES):
            kind, name = block.labels[:2]
            flow = follow_certificate(self.configuration, module, kind, name)
            ids = tuple(id_arrivals(self.configuration, flow.references))
            taken = consumers(self.configuration, flow.references, ids)
            succeeds = self.lineage.predecessor(module, file, block)
            yield DeclaredCertificate(
                block=block_address(module, kind, name),
                location=self.location(file.path, file.line(block.span.start)),
                succeeds=succeeds if isinstance(succeeds, Address) else None,
                succeeds_id=succeeds if isinstance(succeeds, str) else None,
                stages=frozenset(block_address(*stage) for stage in flow.stages),
                opaque=flow.opaque,
                pointers=tuple(
                    self.location(reference.site.file.path, reference.line)
                    for reference in flow.references
                    if reference.use is ReferenceUse.POINTER
                ),
                trust=tuple(self.trust(file, block, taken)),
                obstacles=tuple(
                    map(
                        self.obstacle,
                        certificate_obstacles(self.configuration, module, block, file, flow),
                    )
                ),
                cautions=(
                    *flow_obstacles_declared(
                        self.configuration, file, flow, ids, taken, self.location
                    ),
                    *of_runs(file, block, self.location),
                    *of_destroy(file, block, self.location),
                    *of_units(self.configuration, module),
                    *of_tests(self.configuration, module, kind, name, self.location),
                ),
                description=literal_string(file.data, block, "description"),
                repeated=any(block.attribute(name) is not None for name in ("count", "for_each")),
                has_region=block.attribute("region") is not None,
                creation_runs=tuple(
                    f"{self.location(file.path, run.line)}: {run.what}"
                    for run in runs(file, block)
                    if run.at_creation
                ),
                destroy_runs=tuple(
                    f"{run.what} (when = destroy) of {'.'.join(block.labels[:2])}"
                    for run in runs(file, block)
                    if not run.at_creation and run.takes_own
                ),
            )

    def trust(
        self, file: SourceFile, block: Block, taken: tuple[Consumer, ...]
    ) -> Iterator[TrustConsumer]:
        for run in runs(file, block):
            if run.at_creation and run.takes_pem:
                yield TrustConsumer(
                    what=f"{run.what} of {'.'.join(block.labels[:2])}",
                    location=self.location(file.path, run.line),
                    delivery=Delivery.CREATION,
                    effect="it runs only when the certificate is created, and introduce leaves it "
                    "out of the successor",
                    needs="do manually, with both PEMs, what it does with one",
                )
        for consumer in taken:
            yield TrustConsumer(
                what=consumer.what,
                location=self.location(consumer.arrival.site.file.path, consumer.arrival.line),
                delivery=consumer.delivered.delivery,
                effect=consumer.delivered.effect,
                needs=consumer.delivered.needs,
                place=consumer.place,
                block=_consumer_block(consumer.arrival.site),
                attribute=consumer.attribute,
                only_if=consumer.only_if,
                joined=_joined(consumer),
                manual=consumer.manual,
                written=consumer.is_joined,
            )

    def stages(self) -> Iterator[DeclaredStage]:
        for module in sorted(self.configuration.modules):
            for file in self.configuration.in_module(module, b"_stage"):
                if not parses(file):
                    continue
                for block in file.body.blocks:
                    if (
                        block.type == "resource"
                        and len(block.labels) > 1
                        and block.labels[0] in STAGES
                    ):
                        words = self.producer(module, file, block)
                        yield DeclaredStage(
                            block=block_address(module, *block.labels[:2]),
                            location=self.location(file.path, file.line(block.span.start)),
                            takes=words.what if words is not None else None,
                            remedy=(words.remedy or None) if words is not None else None,
                            ignores=ignored_pointer(file, block) is not None,
                        )

    def literals(self) -> Iterator[DeclaredLiteral]:
        for identity, uses in sorted(literal_uses(self.configuration, self.var_files).items()):
            yield DeclaredLiteral(
                identity=identity,
                module=declaring_module(uses),
                stages=frozenset(block_address(*use.stage) for use in uses),
                location=self.location(uses[0].origin.file.path, uses[0].origin.line),
                obstacles=tuple(
                    map(self.obstacle, literal_obstacles(self.configuration, identity, uses))
                ),
                cautions=tuple(
                    triggered(
                        self.configuration,
                        Phase.REPOINT,
                        {use.origin.file.path for use in uses},
                        self.location,
                    )
                ),
            )

    def hashes(self) -> Iterator[HashedFile]:
        """Yield the places that hash files with certificate names: a phase edits such files."""
        named = [
            path
            for path, file in self.configuration.files.items()
            if b"client_certificate" in file.data
        ]
        for found in file_hashes(self.configuration, named):
            file = self.location(found.hashed, 1).file if found.hashed is not None else None
            yield HashedFile(place=self.location(found.path, found.line), file=file)

    def renamed(self) -> Iterator[tuple[Address, Address]]:
        """Yield the certificates that `moved` blocks rename, in their module or across modules."""
        for module, file, block in self._meta(b"moved"):
            found = [self._named(module, file, block, name) for name in ("from", "to")]
            before, after = (certificate_block(each) for each in found)
            if before is not None and after is not None and before != after:
                yield before, after

    def removed(self) -> Iterator[Removed]:
        """Yield the `removed` blocks."""
        for module, file, block in self._meta(b"removed"):
            named = self._named(module, file, block, "from")
            inner = next(iter(block.blocks("lifecycle")), None)
            destroy = inner.attribute("destroy") if inner is not None else None
            text = destroy.value.of(file.data).strip() if destroy is not None else b""
            location = self.location(file.path, file.line(block.span.start))
            if named is not None:
                path, own = named
                yield Removed(
                    module=path,
                    block=block_address(path, *own) if own is not None else None,
                    destroys={b"true": True, b"false": False}.get(text),
                    location=location,
                )

    def imported(self) -> Iterator[tuple[Address, Location]]:
        """Yield the certificates in `import` blocks; only the root module has such blocks."""
        for module, file, block in self._meta(b"import"):
            named = certificate_block(self._named(module, file, block, "to"))
            if named is not None:
                yield named, self.location(file.path, file.line(block.span.start))

    def _meta(self, kind: bytes) -> Iterator[tuple[ModulePath, SourceFile, Block]]:
        """Yield the blocks of one kind that name addresses."""
        for module in sorted(self.configuration.modules):
            for file in self.configuration.in_module(module, kind):
                for block in file.body.blocks if parses(file) else ():
                    if block.type == kind.decode():
                        yield module, file, block

    @staticmethod
    def _named(module: ModulePath, file: SourceFile, block: Block, name: str) -> Named | None:
        """Return the module path, and the type and name, that an attribute names.

        The type and name are None if the attribute names a module.
        """
        attribute = block.attribute(name)
        text = attribute.value.of(file.data).strip() if attribute is not None else b""
        whole = _MODULE.fullmatch(text)
        if whole is not None:
            return (*module, *(step.decode() for step in _STEP.findall(text))), None
        found = _RESOURCE.fullmatch(text)
        if found is None:
            return None
        steps, kind, label = found.groups()
        return (*module, *(step.decode() for step in _STEP.findall(steps))), (
            kind.decode(),
            label.decode(),
        )

    def obstacle(self, found: EditObstacle) -> Obstacle:
        return Obstacle(
            reason=found.reason, remedy=found.remedy, location=self.location(found.path, found.line)
        )

    def producer(self, module: ModulePath, file: SourceFile, block: Block) -> ProducerWords | None:
        found = origins(self.configuration, module, file, block, POINTER)
        variables = {origin.text for origin in found if origin.producer is Producer.VARIABLE}
        setters = {
            name: tuple(
                str(self.location(setting.path, setting.line))
                for setting in self.var_files.settings(name)
            )
            for name in sorted(variables)
        }
        return describe_origins(self.configuration, found, setters)

    def inline(self) -> tuple[tuple[Exemption, ...], tuple[FaultyExemption, ...]]:
        files = (file.data for file in self.configuration.files.values())
        foreign = (
            self.foreign(path)
            for module in self.configuration.modules.values()
            for path in module.foreign
        )
        if not any(b"tfcert:" in data for data in (*files, *foreign)):
            return (), ()
        # Imported here: most configurations have no tfcert comments, and this import takes
        # milliseconds.
        from checker.terraform.inline_exemptions import read_inline

        return read_inline(self.configuration, self.location)

    def json_advice(self) -> dict[tuple[tuple[str, ...], str, str], str]:
        found: dict[tuple[tuple[str, ...], str, str], str] = {}
        for module in self.configuration.modules.values():
            for path in module.foreign:
                data = self.foreign(path)
                for each in sorted(json_certificates(data)):
                    words = json_edit(self.location(path, 1).file, data, each)
                    key = (module.path, *each)
                    if words is not None:
                        found[key] = f"{found[key]}; {words}" if key in found else words
        return found

    def twins(self) -> Iterator[tuple[str, str]]:
        """Yield each .tofu file that OpenTofu reads instead of a Terraform file, and that file."""
        for module in self.configuration.modules.values():
            for plain, tofu in module.twins().items():
                yield self.location(tofu, 1).file, self.location(plain, 1).file

    def named_in_json(self) -> dict[str, frozenset[tuple[tuple[str, ...], str, str]]]:
        """Return the certificates in each JSON file; an invalid file may name any of them."""
        return {
            self.location(path, 1).file: frozenset(
                (module.path, *each) for each in json_certificates(data)
            )
            for module in self.configuration.modules.values()
            for path in module.foreign
            if path.endswith(".json") and is_json(data := self.foreign(path))
        }

    def unsearched(self) -> Iterator[str]:
        names = {self.location(file.path, 1).file for file, _ in unparsed(self.configuration)}
        names |= {
            self.location(path, 1).file
            for module in self.configuration.modules.values()
            for path in module.foreign
        }
        return iter(sorted(names))

    def unread(self) -> Iterator[str]:
        for file, _ in unparsed(self.configuration):
            if b"client_certificate" in file.data:
                yield self.location(file.path, 1).file
        for module in self.configuration.modules.values():
            for path in module.foreign:
                if b"client_certificate" in self.foreign(path):
                    yield self.location(path, 1).file


def _joined(consumer: Consumer) -> JoinedTrust | None:
    found = consumer.joined
    return (
        JoinedTrust(delivery=found.delivery, effect=found.effect, needs=found.needs)
        if found is not None
        else None
    )


def _consumer_block(site: Site) -> Address | None:
    block = site.block
    return (
        block_address(site.module, *block.labels[:2])
        if block.type == "resource" and len(block.labels) > 1
        else None
    )


def followed_consumers(declared: ConfigurationFacts) -> Mapping[Address, frozenset[str]]:
    """Return the attributes that take the PEM of a rotation, by the address of their block.

    Empty for a configuration with one certificate: then no rotation is under way.
    """
    found: dict[Address, set[str]] = {}
    if len(declared.certificates) > 1:
        for certificate in declared.certificates:
            for consumer in certificate.trust:
                if consumer.block is not None:
                    found.setdefault(consumer.block, set()).update(
                        {consumer.attribute} if consumer.attribute is not None else ()
                    )
    return {block: frozenset(names) for block, names in found.items()}
