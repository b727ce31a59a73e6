"""Read the comments of a configuration that name a certificate's predecessor, as addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from checker.hcl.comments import Lineage, lineages
from checker.hcl.comments import UnreadLineageComment as UnreadComment
from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.syntax import Block, SourceFile, parses
from checker.model.address import Address, ModuleStep
from checker.model.configuration import UnreadLineage
from checker.model.exemptions import FaultyExemption
from checker.model.location import Location
from checker.model.resource_types import CERTIFICATES

Locate = Callable[[str, int], Location]


def block_address(module: ModulePath, kind: str, name: str) -> Address:
    """Return the address of a resource block of a module, without instance keys."""
    return Address(kind, name, None, tuple(ModuleStep(step) for step in module))


def faulty_lineage(unread: UnreadLineage) -> FaultyExemption:
    """Return an unreadable comment as the warning that reports it."""
    return FaultyExemption(reason=unread.reason, remedy=unread.remedy, location=unread.location)


class LineageReader:
    """Reads each file's comments once; keeps each unreadable comment with its reason."""

    def __init__(self, configuration: Configuration, locate: Locate) -> None:
        self.configuration = configuration
        self.locate = locate
        self._files: dict[str, tuple[Lineage | UnreadComment, ...]] = {}
        self._names: dict[ModulePath, dict[str, str]] = {}

    def predecessor(
        self, module: ModulePath, file: SourceFile, block: Block
    ) -> Address | str | None:
        """Return the predecessor of a certificate's block.

        It is another block, or the id of a certificate that Terraform does not manage.
        """
        own = [
            each
            for each in self._read(file)
            if isinstance(each, Lineage) and each.block.span == block.span
        ]
        if not own or any(self._fault(module, file, each) for each in own):
            return None
        # If there are several above a block, the nearest counts.
        reference = self._resolved(module, own[-1].reference)
        return block_address(module, *reference.split(".")) if "." in reference else reference

    def unread(self) -> Iterator[UnreadLineage]:
        """Yield every comment that should name a predecessor and cannot be read.

        They are in the order of modules and files.
        """
        for module in sorted(self.configuration.modules):
            for file in self.configuration.in_module(module):
                # Only a file with comments for tfcert is parsed.
                for each in (
                    self._read(file) if b"tfcert" in file.data.lower() and parses(file) else ()
                ):
                    why = (
                        each.why
                        if isinstance(each, UnreadComment)
                        else self._fault(module, file, each)
                    )
                    if why is not None:
                        yield self._unread(module, file, each, why)

    def _read(self, file: SourceFile) -> tuple[Lineage | UnreadComment, ...]:
        if file.path not in self._files:
            self._files[file.path] = tuple(lineages(file))
        return self._files[file.path]

    def _resolved(self, module: ModulePath, reference: str) -> str:
        """Return the reference in the spelling of the named block.

        Case does not matter if only one block can be meant.
        """
        if "." not in reference:
            return reference
        if module not in self._names:
            self._names[module] = {}
            for file in self.configuration.in_module(module, b"client_certificate"):
                for block in file.body.blocks if parses(file) else ():
                    if (
                        block.type == "resource"
                        and block.labels[:1]
                        and block.labels[0] in CERTIFICATES
                    ):
                        name = ".".join(block.labels[:2])
                        self._names[module].setdefault(name.lower(), name)
                        self._names[module][name] = name
        names = self._names[module]
        kind, name = reference.split(".")
        plain = f"{kind.lower() if kind.lower() in CERTIFICATES else kind}.{name}"
        return names.get(plain) or names.get(reference.lower()) or plain

    def _fault(self, module: ModulePath, file: SourceFile, found: Lineage) -> str | None:
        if found.modules and found.modules != module:
            return f"names a certificate of another module, module.{'.module.'.join(found.modules)}"
        same = [
            each
            for each in self._read(file)
            if isinstance(each, Lineage) and each.block.span == found.block.span
        ]
        inside = any(each.removed.end > found.block.span.start for each in same)
        if inside and len({self._resolved(module, each.reference) for each in same}) > 1:
            return (
                f"is one of {len(same)} at {'.'.join(found.block.labels)} that name different "
                "certificates"
            )
        if "." not in found.reference and self._is_name(module, found.reference):
            return (
                f"names no certificate: {found.reference!r} is the name of a block, without "
                "its type"
            )
        return None

    def _is_name(self, module: ModulePath, word: str) -> bool:
        self._resolved(module, "a.b")
        return any(name.partition(".")[2] == word for name in self._names[module])

    def _unread(
        self, module: ModulePath, file: SourceFile, found: Lineage | UnreadComment, why: str
    ) -> UnreadLineage:
        reference = (
            found.reference if found.reference is not None and "." in found.reference else None
        )
        names = (
            block_address(module, *self._resolved(module, reference).split("."))
            if reference is not None
            else None
        )
        form = f"# tfcert: succeeds {names.in_module if names is not None else 'TYPE.NAME'}"
        return UnreadLineage(
            module=module,
            location=self.locate(file.path, found.line),
            reason=f"this comment must name the predecessor of a certificate, but {why}",
            remedy=f"write `{form}` alone on the line above the successor's block, or remove the "
            "comment",
            names=names,
        )
