"""What the phases have in common: finding the certificate's block, and one proven edit of some files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.configuration import Configuration
from checker.hcl.proof import BlockKey, Intent, prove
from checker.hcl.references import Reference, references
from checker.hcl.splice import Edit, splice
from checker.hcl.syntax import Block, SourceFile
from checker.hcl.terraform_tests import test_references
from checker.model.address import Address


class Succession(Struct, frozen=True, kw_only=True):
    """A predecessor and its successor, as addresses of blocks in one module."""

    predecessor: Address
    successor: Address


def find_block(configuration: Configuration, address: Address) -> tuple[SourceFile, Block]:
    """The file and block that declare a resource.

    Raises UnprovenError when the text no longer holds it.
    """
    found = next(
        configuration.blocks(address.module_path, "resource", address.type, address.name), None
    )
    if found is None:
        raise UnprovenError(
            f"the block of {address} was not found",
            where=configuration.root,
            remedy="check that --config names its folder",
        )
    return found


def references_to(configuration: Configuration, address: Address) -> tuple[Reference, ...]:
    """Every reference to a resource in its own module."""
    return tuple(references(configuration, address.module_path, address.type, address.name))


def tests_of(configuration: Configuration, address: Address) -> tuple[Reference, ...]:
    """Every reference to a resource in test files that can be edited."""
    return tuple(test_references(configuration, address.module_path, address.type, address.name))


def key_of(block: Block) -> BlockKey:
    """How a proof names a block."""
    return (block.type, block.labels)


def rename(step: Succession, chosen: Iterable[Reference]) -> list[Edit]:
    """Replace the name of the predecessor by that of the successor in references, and no other byte."""
    new = step.successor.name.encode()
    return [
        Edit(path=reference.site.file.path, span=reference.name, text=new) for reference in chosen
    ]


def proven(
    configuration: Configuration,
    step: Succession,
    edits: Iterable[Edit],
    chosen: Iterable[Reference],
) -> Configuration:
    """Apply renamings, hold each file against what was intended, and return the configuration that results.

    Raises UnprovenError; then nothing is written.
    """
    counts = Counter(reference.site.file.path for reference in chosen)
    blocks: dict[str, set[BlockKey]] = {}
    for reference in chosen:
        blocks.setdefault(reference.site.file.path, set()).add(key_of(reference.site.block))
    before = {path: file.data for path, file in configuration.files.items()}
    changed = splice(before, edits)
    for path, text in changed.items():
        intent = Intent(
            kind=step.predecessor.type,
            old=step.predecessor.name,
            new=step.successor.name,
            renamed=frozenset(blocks.get(path, set())),
            renames=counts[path],
        )
        prove(path, before[path], text, intent)
    return configuration.with_text(changed)
