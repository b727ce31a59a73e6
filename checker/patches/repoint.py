"""Repoint: move every pointer from the predecessor to the successor; rollback reverses it."""

from __future__ import annotations

from checker.errors import UnprovenError
from checker.hcl.references import ReferenceUse, moved_by_repoint
from checker.hcl.terraform_tests import moved_in_tests_by_repoint
from checker.patches.draft import Draft, Edits
from checker.patches.edits import BlockPair, find_block, references_to, renames, tests_of


def repoint(draft: Draft, step: BlockPair) -> Edits:
    """Replace the predecessor's name in references to its id, in their guards and in tests of them.

    Raises UnprovenError if the successor is not declared, or if nothing points to the predecessor.
    """
    configuration = draft.configuration
    find_block(configuration, step.successor)
    chosen = moved_by_repoint(references_to(configuration, step.predecessor))
    if not any(reference.use is ReferenceUse.POINTER for reference in chosen):
        raise UnprovenError(
            f"nothing refers to the id of {step.predecessor}",
            where=configuration.root,
            remedy="the repoint is already in the configuration",
        )
    chosen += moved_in_tests_by_repoint(tests_of(configuration, step.predecessor))
    return renames(step, chosen)


def rollback(draft: Draft, step: BlockPair) -> Edits:
    """Replace the successor's name by the predecessor's in each reference to its id.

    Raises UnprovenError if either is not declared, or if nothing points to the successor.
    """
    find_block(draft.configuration, step.predecessor)
    return repoint(draft, BlockPair(predecessor=step.successor, successor=step.predecessor))
