"""Shared parts of the phases: find a certificate's block and references, and rename these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.configuration import Configuration
from checker.hcl.proof import Intent
from checker.hcl.readings import BlockKey
from checker.hcl.references import Reference, references
from checker.hcl.splice import Edit
from checker.hcl.syntax import Block, SourceFile
from checker.hcl.terraform_tests import test_references
from checker.model.address import Address
from checker.patches.draft import Edits


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


def renamed_blocks(chosen: Iterable[Reference]) -> dict[str, Counter[BlockKey]]:
    """Return how many of the references each block of each file has."""
    found: dict[str, Counter[BlockKey]] = {}
    for reference in chosen:
        site = reference.site
        found.setdefault(site.file.path, Counter())[key_of(site.block)] += 1
    return found


def renames(step: BlockPair, chosen: tuple[Reference, ...]) -> Edits:
    """Return the edits of `rename`, with what they intend."""
    return Edits(
        edits=tuple(rename(step, chosen)),
        intents=tuple(
            (path, intent_of(step, renamed=blocks))
            for path, blocks in renamed_blocks(chosen).items()
        ),
    )


def intent_of(step: BlockPair, **changes: Any) -> Intent:
    """Return an intent of a step, with these fields."""
    return Intent(
        kind=step.predecessor.type,
        old=step.predecessor.name,
        new=step.successor.name,
        **changes,
    )
