"""The next step where the predecessor's block is missing from the parsed configuration."""

from __future__ import annotations

from collections.abc import Sequence

from checker.model.configuration import Removed
from checker.model.location import Location
from checker.model.observation import Surveyed
from checker.model.rotation import Blocked, Step, Waiting
from checker.rotation.state import RotationState, unseen_presenters


def undeclared(  # noqa: PLR0911 -- one return for each reason why there is no block
    standing: RotationState,
) -> Step:
    """Return what to do first, or what to wait for, where the predecessor has no block."""
    renamed = standing.declared.renamed.get(standing.block)
    if renamed is not None:
        return Waiting(f"a moved block renames it to {renamed}: apply that alone, then ask again")
    path = standing.block.module_path
    if path not in standing.declared.modules:
        source = next(
            (
                standing.declared.elsewhere.get(path[:end])
                for end in range(len(path), 0, -1)
                if path[:end] in standing.declared.elsewhere
            ),
            None,
        )
        inside = f"it is declared inside module.{'.module.'.join(path)}"
        if source is not None:
            return Blocked(
                f"{inside}, whose source is not a folder of this configuration ({source})",
                f"rotate it in the repository of {source}, and take its new version here",
            )
        if standing.declared.unparsed:
            return unparsed(standing.declared.unparsed, f"{inside}, and no call of it was found")
        if not standing.declared.unread:
            return Blocked(
                f"{inside}, which this configuration does not call",
                "pass the configuration that does with --config; if the call was removed, put it "
                "back before anything is applied",
            )
    by_hand = standing.declared.by_hand.get((path, standing.block.type, standing.block.name))
    broken = [
        place
        for place in standing.declared.unparsed
        if place.file in standing.declared.may_declare(standing.block)
    ]
    if broken and by_hand is None:
        return unparsed(broken, "its block was not found")
    if standing.declared.may_declare(standing.block):
        return Blocked(
            f"its block was not found; {_unread(standing)} may declare it, which tfcert does not "
            "edit",
            by_hand
            or "make the same change there by hand: first the new certificate, then the "
            "references, then the removal",
        )
    removal = standing.declared.removal(standing.block)
    if removal is not None and removal.destroys is False:
        return forgotten(standing, removal)
    return (
        _in_use_without_block(standing, removal)
        if standing.presenters
        else _unused_without_block(standing)
    )


def _in_use_without_block(standing: RotationState, removal: Removed | None) -> Blocked:
    """Return why the rotation of a certificate in use cannot go on without its block."""
    also = f", and take the removed block ({removal.location}) out," if removal is not None else ""
    return Blocked(
        f"its block is no longer in the configuration{_searched(standing)}, though stages present "
        "it: the next apply would destroy it",
        f"put the block back{also} before anything is applied, then ask again",
    )


def _unused_without_block(standing: RotationState) -> Step:
    """Return the step for a certificate without a block that no stage in state presents."""
    unseen = unseen_presenters(standing) if standing.cases.observations.asked else None
    if isinstance(unseen, Blocked):
        return Blocked(
            "its block is gone from the configuration, so the next apply deletes it; "
            f"{unseen.reason}",
            unseen.remedy,
        )
    sure = isinstance(standing.survey(), Surveyed) and unseen is None
    known = (
        "AWS shows no stage that presents it"
        if sure
        else "no stage in state presents it, and AWS was not asked about others"
    )
    return Waiting(
        f"its block is gone from the configuration, so Terraform is to delete it: {known};"
        " an apply that failed left it in state, or none has run since"
    )


def forgotten(standing: RotationState, removal: Removed) -> Step:
    """Return the step after a `removed` block with `destroy = false`.

    The certificate leaves the state and stays in AWS.
    """
    takes = f"a removed block ({removal.location}) takes it out of the state without deleting it"
    if standing.presenters and not any(
        standing.declared.literal(identity) is not None for identity in standing.ids
    ):
        return Blocked(
            f"{takes}, though stages present it: nothing in Terraform would rotate it then",
            "put its block back and take the removed block out before anything is applied, then "
            "ask again",
        )
    if standing.presenters:
        return Waiting(
            f"{takes}, and the configuration has its id as text: apply that alone, then ask again"
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
        "then ask again",
    )


def _searched(standing: RotationState) -> str:
    """Return a note on the searched JSON files, which name other certificates only."""
    return (
        f" (it is not in {', '.join(standing.declared.unread)})" if standing.declared.unread else ""
    )


def _unread(standing: RotationState) -> str:
    """Return the files that may declare the block.

    Each comes with the file that OpenTofu leaves out because of it.
    """
    twins, paths = standing.declared.twins, standing.declared.may_declare(standing.block)
    return ", ".join(
        f"{path} (only OpenTofu reads it, instead of {twins[path]})" if path in twins else path
        for path in paths
    )
