"""The next step where the predecessor's block is missing from the parsed configuration."""

from __future__ import annotations

from collections.abc import Sequence

from checker.model.configuration import Removed
from checker.model.location import Location
from checker.model.observation import Surveyed
from checker.model.rotation import Blocked, Step, Waiting
from checker.rotation.state import ManagedState, unseen_presenters


def undeclared(state: ManagedState) -> Step:
    """Return what to do first, or what to wait for, where the predecessor has no block."""
    block, declared = state.predecessor.block, state.declared
    renamed = declared.renamed.get(block)
    if renamed is not None:
        return Waiting(
            f"a moved block renames it to {renamed}: apply that alone, then run tfcert again"
        )
    blocked = _in_unread_module(state) or _in_unread_file(state)
    if blocked is not None:
        return blocked
    removal = declared.removal(block)
    if removal is not None and removal.destroys is False:
        return forgotten(state, removal)
    if state.presenters:
        return _in_use_without_block(state, removal)
    return _unused_without_block(state)


def _in_unread_module(state: ManagedState) -> Blocked | None:
    """Return why a rotation is blocked if the module of the block was not read."""
    path, declared = state.predecessor.block.module_path, state.declared
    if path in declared.modules:
        return None
    calls = (path[:end] for end in range(len(path), 0, -1))
    source = next((declared.elsewhere[call] for call in calls if call in declared.elsewhere), None)
    inside = f"it is declared inside module.{'.module.'.join(path)}"
    if source is not None:
        return Blocked(
            f"{inside}, whose source is not a folder of this configuration ({source})",
            f"rotate it in the repository of {source}, and take its new version here",
        )
    if declared.unparsed:
        return unparsed(declared.unparsed, f"{inside}, and no call of it was found")
    if declared.unread:
        return None
    return Blocked(
        f"{inside}, which this configuration does not call",
        "pass the configuration that does with --config; if the call was removed, put it "
        "back before anything is applied",
    )


def _in_unread_file(state: ManagedState) -> Blocked | None:
    """Return why a rotation is blocked if a file that was not understood may declare the block."""
    block, declared = state.predecessor.block, state.declared
    files = declared.may_declare(block)
    json_advice = declared.json_advice.get((block.module_path, block.type, block.name))
    broken = [place for place in declared.unparsed if place.file in files]
    if broken and json_advice is None:
        return unparsed(broken, "its block was not found")
    if not files:
        return None
    return Blocked(
        f"its block was not found; {_unread(state)} may declare it, which tfcert does not edit",
        json_advice
        or "make the same change there manually: first the new certificate, then the "
        "references, then the removal",
    )


def _in_use_without_block(state: ManagedState, removal: Removed | None) -> Blocked:
    """Return why the rotation of a certificate in use cannot go on without its block."""
    also = f", and take the removed block ({removal.location}) out," if removal is not None else ""
    return Blocked(
        f"its block is no longer in the configuration{_searched(state)}, though stages present "
        "it: the next apply would destroy it",
        f"put the block back{also} before anything is applied, then run tfcert again",
    )


def _unused_without_block(state: ManagedState) -> Step:
    """Return the step for a certificate without a block that no stage in state presents."""
    presented = unseen_presenters(state) if state.cases.observations.asked else None
    if isinstance(presented, Blocked):
        return Blocked(
            "its block is gone from the configuration, so the next apply deletes it; "
            f"{presented.reason}",
            presented.remedy,
        )
    confirmed = isinstance(state.survey(), Surveyed) and presented is None
    knowledge = (
        "AWS shows no stage that presents it"
        if confirmed
        else "no stage in state presents it, and AWS was not asked about others"
    )
    return Waiting(
        f"its block is gone from the configuration, so the next apply deletes it: "
        f"{knowledge}; the last apply failed, or none has run since"
    )


def forgotten(state: ManagedState, removal: Removed) -> Step:
    """Return the step after a `removed` block with `destroy = false`.

    The certificate leaves the state and stays in AWS.
    """
    takes = f"a removed block ({removal.location}) takes it out of the state without deleting it"
    if state.presenters and not any(
        state.declared.literal(identity) is not None for identity in state.ids
    ):
        return Blocked(
            f"{takes}, though stages present it: nothing in Terraform would rotate it then",
            "put its block back and take the removed block out before anything is applied, then "
            "run tfcert again",
        )
    if state.presenters:
        return Waiting(
            f"{takes}, and the configuration has its id as text: apply that alone, then run "
            "tfcert again"
        )
    return Waiting(
        f"{takes}: apply that alone; the certificate still counts towards the quota until its "
        "owner deletes it in AWS, by the steps that `tfcert scan` prints"
    )


def unparsed(broken: Sequence[Location], what: str) -> Blocked:
    """Return why a rotation is blocked by a file that cannot be parsed.

    The predecessor's block, or the call of its module, may be in that file.
    """
    return Blocked(
        f"{what}, and it may be in a file that cannot be parsed: {', '.join(map(str, broken))}",
        "correct the syntax in the file at this line (`terraform validate` says what is wrong), "
        "then run tfcert again",
    )


def _searched(state: ManagedState) -> str:
    """Return a note on the searched JSON files, which name other certificates only."""
    return f" (it is not in {', '.join(state.declared.unread)})" if state.declared.unread else ""


def _unread(state: ManagedState) -> str:
    """Return the files that may declare the block.

    Each comes with the file that OpenTofu leaves out because of it.
    """
    twins, paths = state.declared.twins, state.declared.may_declare(state.predecessor.block)
    return ", ".join(
        f"{path} (only OpenTofu reads it, instead of {twins[path]})" if path in twins else path
        for path in paths
    )
