"""Take up a rotation that a user began manually.

This adds the lineage comment, and moves early references back to the predecessor.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.hcl.comments import lineage_of, succeeds_comment
from checker.hcl.configuration import Configuration
from checker.hcl.references import Reference, ReferenceUse
from checker.hcl.splice import Edit
from checker.hcl.syntax import Span
from checker.patches.draft import Draft, Edits
from checker.patches.edits import BlockPair, find_block, intent_of, references_to, renames

_RETURNED = frozenset({ReferenceUse.POINTER, ReferenceUse.TRUST, ReferenceUse.INFORMATION})


def take_up(draft: Draft, step: BlockPair, *, applied: bool) -> Edits:
    """Write the comment above the successor; if it is not `applied`, move its references back.

    References that name the successor move back to the predecessor. The result equals the text that
    introduce writes: the next apply of Terraform creates the successor and moves no stage.
    """
    configuration = draft.configuration
    back = BlockPair(predecessor=step.successor, successor=step.predecessor)
    moved = renames(back, () if applied else tuple(_returned(configuration, step)))
    added = _comment(configuration, step)
    return Edits(edits=moved.edits + added.edits, intents=moved.intents + added.intents)


def _returned(configuration: Configuration, step: BlockPair) -> Iterator[Reference]:
    """Yield the references to the successor that named the predecessor before.

    An output of the successor's own PEM is new.
    """
    kept = {
        (reference.site.file.path, reference.site.attribute.span)
        for reference in references_to(configuration, step.predecessor)
    }
    elsewhere = any(
        reference.site.block.type == "output" and reference.use is ReferenceUse.TRUST
        for reference in references_to(configuration, step.predecessor)
    )
    for reference in references_to(configuration, step.successor):
        site = reference.site
        if reference.use not in _RETURNED or (site.file.path, site.attribute.span) in kept:
            continue
        own = site.block.labels[:2] == (step.successor.type, step.successor.name)
        new = site.block.type == "output" and (
            elsewhere or step.successor.name in site.block.labels[0]
        )
        if not own and not (new and reference.use is not ReferenceUse.POINTER):
            yield reference


def _comment(configuration: Configuration, step: BlockPair) -> Edits:
    file, block = find_block(configuration, step.successor)
    if lineage_of(file, block):
        return Edits()
    at = file.line_start(block.span.start)
    before = file.data[at : block.span.start]
    indent = before if not before.strip() else b""
    text = indent + succeeds_comment(step.predecessor.in_module).encode() + file.newline
    return Edits(
        edits=(Edit(path=file.path, span=Span(at, at), text=text),),
        intents=((file.path, intent_of(step)),),
    )
