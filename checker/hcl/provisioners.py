"""Find what a certificate's block runs: provisioners and action triggers (Terraform 1.14+).

A creation-time provisioner runs once, when its resource is created. A destroy-time provisioner runs
only while its block is in the configuration: Terraform takes it from there, and state does not
record it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checker.hcl.syntax import Attribute, Block, SourceFile, traversals

_PEM = "pem_encoded_certificate"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ProvisionerRun:
    """A nested block that runs something.

    `at_creation` is False for a run at destruction. `takes_pem` says whether it takes the block's
    own PEM, and `takes_own` whether it takes any value of the block.
    """

    block: Block
    what: str
    line: int
    at_creation: bool
    takes_pem: bool
    takes_own: bool


def runs(file: SourceFile, block: Block) -> tuple[ProvisionerRun, ...]:
    """Return the provisioners and action triggers of a resource block, in the text's order."""
    found: list[ProvisionerRun] = []
    for inner in block.blocks("provisioner"):
        kind = inner.labels[0] if inner.labels else ""
        destroys = _is_word(file, inner, "when", "destroy")
        found.append(_run(file, inner, f'provisioner "{kind}"', at_creation=not destroys))
    for lifecycle in block.blocks("lifecycle"):
        for inner in lifecycle.blocks("action_trigger"):
            events = inner.attribute("events")
            text = events.value.of(file.data) if events is not None else b""
            found.append(
                _run(file, inner, "action_trigger", at_creation=b"create" in text or not text)
            )
    return tuple(sorted(found, key=lambda run: run.block.span))


def left_out(file: SourceFile, block: Block) -> tuple[Block, ...]:
    """Return the nested blocks that a successor must not repeat.

    These are the blocks that run at creation, and a connection that nothing else uses.
    """
    own = runs(file, block)
    gone = tuple(run.block for run in own if run.at_creation)
    stays = any(run.block.type == "provisioner" and not run.at_creation for run in own)
    if any(each.type == "provisioner" for each in gone) and not stays:
        gone = (*gone, *block.blocks("connection"))
    return tuple(sorted(gone, key=lambda each: each.span))


def _run(file: SourceFile, block: Block, what: str, *, at_creation: bool) -> ProvisionerRun:
    taken = {
        traversal.first_attribute_after(-1)
        for attribute in _attributes(block)
        for traversal in traversals(attribute.expression, file.data)
        if traversal.root == "self"
    }
    return ProvisionerRun(
        block=block,
        what=what,
        line=file.line(block.span.start),
        at_creation=at_creation,
        takes_pem=not taken.isdisjoint({_PEM, None}),
        takes_own=bool(taken),
    )


def _attributes(block: Block) -> Iterator[Attribute]:
    yield from block.body.attributes
    for inner in block.body.blocks:
        yield from _attributes(inner)


def _is_word(file: SourceFile, block: Block, name: str, word: str) -> bool:
    attribute = block.attribute(name)
    return (
        attribute is not None
        and attribute.value.of(file.data).decode("utf-8", "replace").strip().strip('"') == word
    )
