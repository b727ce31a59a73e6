"""Take up a rotation that a user began manually.

This adds the lineage comment, and moves early references back to the predecessor.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.hcl.comments import lineage_of, succeeds_comment
from checker.hcl.configuration import Configuration
from checker.hcl.proof import Intent, prove
from checker.hcl.references import Reference, ReferenceUse
from checker.hcl.splice import Edit, splice
from checker.hcl.syntax import Span
from checker.patches.edits import BlockPair, find_block, proven, references_to, rename

_RETURNED = frozenset({ReferenceUse.POINTER, ReferenceUse.TRUST, ReferenceUse.INFORMATION})


def take_up(configuration: Configuration, step: BlockPair, *, applied: bool) -> Configuration:
    """Write the comment above the successor; if it is not `applied`, move its references back.

    References that name the successor move back to the predecessor. The result equals the text that
    introduce writes: the next apply of Terraform creates the successor and moves no stage. Raises
    UnprovenError when the edit cannot be proven.
    """
    current = configuration
    if not applied:
        back = BlockPair(predecessor=step.successor, successor=step.predecessor)
        chosen = tuple(_returned(current, step))
        current = proven(current, back, rename(back, chosen), chosen) if chosen else current
    return _commented(current, step)


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


def _commented(configuration: Configuration, step: BlockPair) -> Configuration:
    file, block = find_block(configuration, step.successor)
    if lineage_of(file, block):
        return configuration
    at = file.line_start(block.span.start)
    before = file.data[at : block.span.start]
    indent = before if not before.strip() else b""
    text = indent + succeeds_comment(step.predecessor.in_module).encode() + file.newline
    changed = splice({file.path: file.data}, [Edit(path=file.path, span=Span(at, at), text=text)])
    intent = Intent(kind=step.predecessor.type, old=step.predecessor.name, new=step.successor.name)
    prove(file.path, file.data, changed[file.path], intent)
    return configuration.with_text(changed)
