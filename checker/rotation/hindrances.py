"""Why tfcert cannot edit a configuration for a rotation: an obstacle, or a stage out of reach."""

from __future__ import annotations

from checker.model.address import Address
from checker.model.configuration import DeclaredCertificate, DeclaredStage, Obstacle
from checker.model.resources import Stage
from checker.model.rotation import Blocked
from checker.rotation.state import ManagedState


def hindered(state: ManagedState, declaration: DeclaredCertificate) -> Blocked | None:
    """Return why the references to the predecessor cannot be edited; None if they can."""
    blocked = first_obstacle(declaration.obstacles)
    if blocked is not None:
        return blocked
    holder = (
        state.successor if state.successor is not None and not declaration.pointers else declaration
    )
    halfway = state.successor
    uncovered = [
        stage
        for stage in state.uncovered(holder)
        if halfway is None or stage not in set(state.presenters) - set(state.uncovered(halfway))
    ]
    return not_reached(state, uncovered[0]) if uncovered else None


def first_obstacle(obstacles: tuple[Obstacle, ...]) -> Blocked | None:
    """Return the first obstacle as a blocked step, with its line; None without obstacles."""
    for obstacle in obstacles:
        where = f" ({obstacle.location})" if obstacle.location is not None else ""
        return Blocked(f"{obstacle.reason}{where}", obstacle.remedy)
    return None


def not_reached(state: ManagedState, stage: Stage) -> Blocked:
    """Return why repoint does not move a stage, although it presents the predecessor."""
    address = stage.address
    declared = state.declared.stage(address.block) if address is not None else None
    if address is not None and declared is not None:
        return _taken_elsewhere(state, address, declared)
    removal = state.declared.removal(address.block) if address is not None else None
    if removal is not None and removal.destroys is False:
        return Blocked(
            f"{address} presents it, and a removed block ({removal.location}) takes that stage out "
            "of the state: it stays in AWS",
            "apply the removed block alone, then run tfcert again; the new owner of the stage "
            "moves it to the successor before retire",
        )
    if removal is not None:
        return Blocked(
            f"{address} presents it, and a removed block ({removal.location}) destroys that "
            "stage with the next apply",
            "apply the removed block alone, then run tfcert again",
        )
    return Blocked(
        f"{address} presents it, and its block is not in this configuration's files",
        "pass the configuration that declares it with --config, or rotate manually with the "
        "runbook's steps",
    )


def _taken_elsewhere(state: ManagedState, address: Address, declared: DeclaredStage) -> Blocked:
    """Return why a declared stage is not moved: it does not take the predecessor's id."""
    block = state.predecessor.block
    takes = declared.takes or "nothing that can be followed"
    other = next(
        (each for each in state.declared.certificates if declared.block in each.stages), None
    )
    if other is not None and other.block != block:
        return Blocked(
            f"{address} presents it, but takes its id from {other.block} ({other.location}), not "
            f"from {block}",
            f"let {address} refer to {block.in_module}.id again; apply {other.block} alone, "
            "have every backend trust it, then move the stage",
        )
    return Blocked(
        f"{address} presents it, but takes its id from {takes} ({declared.location}), not from "
        f"{block}",
        declared.remedy
        or f"make the stage refer to {block}.id, or change the source of that value manually",
    )
