"""The next step where a user wrote the successor without its lineage comment."""

from __future__ import annotations

from checker.analysis.succession import Guess
from checker.model.cases import Evidence
from checker.model.configuration import UnreadLineage
from checker.model.rotation import Blocked, Next, Phase, Step
from checker.rotation.hindrances import first_obstacle, hindered
from checker.rotation.missing_block import undeclared
from checker.rotation.state import ManagedState


def take_up_step(state: ManagedState, guess: Guess) -> Step:
    """Return the step for a successor that a user wrote without the lineage comment."""
    declaration = state.predecessor.declaration
    if guess.several:
        return _several(state, guess)
    if declaration is None:
        found = undeclared(state)
        if isinstance(found, Blocked):
            return Blocked(f"{found.reason}; {guess.text}", found.remedy)
        return found
    return (
        _unread_comment(state)
        or _lasts_no_longer(state)
        or _moves_at_creation(state, guess)
        or _hashing(state, guess)
        or hindered(state, declaration)
        or Next(Phase.INTRODUCE)
    )


def _several(state: ManagedState, guess: Guess) -> Blocked:
    names = " and ".join(f"{each.block} ({each.location})" for each in guess.several)
    return Blocked(
        f"{names} may each be its successor, and no comment says which",
        f"write `# tfcert: succeeds {state.predecessor.block.in_module}` above the one that is",
    )


def _unread_comment(state: ManagedState) -> Blocked | None:
    """Return the problem of a lineage comment that may name this predecessor."""
    unread = unread_comment(state)
    if unread is None:
        return None
    return Blocked(f"{unread.reason} ({unread.location})", unread.remedy)


def _lasts_no_longer(state: ManagedState) -> Blocked | None:
    if state.unfit is None:
        return None
    return Blocked(
        f"its stages would move to a certificate that lasts no longer: {state.unfit}",
        f"let them refer to {state.predecessor.block.in_module}.id again, then run tfcert again: "
        "a fresh successor is introduced",
    )


def _moves_at_creation(state: ManagedState, guess: Guess) -> Blocked | None:
    """Return why introduce cannot separate a successor that is not applied yet.

    The next apply would create it, and move stages to it in the same apply.
    """
    if guess.applied:
        return None
    other, stages = guess.successor, guess.successor.stages
    if not guess.moved:
        if not stages:
            return None
        return Blocked(
            f"{', '.join(sorted(map(str, stages)))} may take its id from either "
            f"certificate; {guess.text}",
            f"let it take its id from {state.predecessor.block.in_module} alone until "
            f"{other.block} is applied and trusted",
        )
    if any(case.evidence is Evidence.GONE for case in state.instances):
        return Blocked(
            "AWS does not know it any more, and the next apply creates its successor and moves the "
            f"stages at once; {guess.text}",
            f"first `terraform apply -target='{other.block}'`, which creates it alone; "
            "give its PEM to the backends; then apply the rest",
        )
    added = stages - {
        stage.address.block for stage in state.presenters if stage.address is not None
    }
    if added:
        return Blocked(
            f"{', '.join(sorted(map(str, added)))} takes its id from {other.block} too, "
            f"which is not created yet; {guess.text}",
            f"apply {other.block} alone first (`terraform apply "
            f"-target='{other.block}'`), have every backend trust it, then apply the "
            "rest",
        )
    return first_obstacle(other.obstacles)


def _hashing(state: ManagedState, guess: Guess) -> Blocked | None:
    """Return why tfcert does not write the comment above a successor that is already applied.

    The edit would change a hashed file, and so trigger a new deployment. None where stages already
    move to the successor, where it is not applied, or where no hash covers the file.
    """
    own = guess.successor.location.file
    hashed = next(
        (each for each in state.declared.hashes if each.file is None or each.file == own), None
    )
    if hashed is None or guess.moved or not guess.applied:
        return None
    return Blocked(
        f"{hashed.file or 'every file'} is hashed ({hashed.place}), so the comment that makes it "
        f"certain would publish a new deployment; {guess.text}",
        f"write `# tfcert: succeeds {state.predecessor.block.in_module}` above "
        f"{guess.successor.block.in_module} manually, when a deployment may run",
    )


def unread_comment(state: ManagedState) -> UnreadLineage | None:
    """Return the first lineage comment that cannot be parsed and may name this predecessor."""
    return next((each for each in state.declared.unread_lineage if _may_concern(state, each)), None)


def _may_concern(state: ManagedState, unread: UnreadLineage) -> bool:
    """Return whether a comment that cannot be parsed may name this predecessor.

    It may if it is in the same module and names no other certificate.
    """
    block = state.predecessor.block
    named = state.declared.certificate(unread.names) if unread.names is not None else None
    return unread.module == block.module_path and (named is None or named.block == block)
