"""Shared parts of the phases: find a certificate's block, and prove edits of files."""

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


class BlockPair(Struct, frozen=True, kw_only=True):
    """A predecessor and its successor, as addresses of blocks in one module."""

    predecessor: Address
    successor: Address


def find_block(configuration: Configuration, address: Address) -> tuple[SourceFile, Block]:
    """Return the file and block that declare a resource.

    Raises UnprovenError if the text does not have it.
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
    """Return every reference to a resource, in its own module and in the callers of the module."""
    return tuple(references(configuration, address.module_path, address.type, address.name))


def tests_of(configuration: Configuration, address: Address) -> tuple[Reference, ...]:
    """Return every reference to a resource in test files that can be edited."""
    return tuple(test_references(configuration, address.module_path, address.type, address.name))


def key_of(block: Block) -> BlockKey:
    """Return the key of a block in a proof."""
    return (block.type, block.labels)


def rename(step: BlockPair, chosen: Iterable[Reference]) -> list[Edit]:
    """Return the edits that replace only the predecessor's name by the successor's."""
    new = step.successor.name.encode()
    return [
        Edit(path=reference.site.file.path, span=reference.name, text=new) for reference in chosen
    ]


def proven(
    configuration: Configuration,
    step: BlockPair,
    edits: Iterable[Edit],
    chosen: Iterable[Reference],
) -> Configuration:
    """Return the configuration after renames, with each file checked against the intent.

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
