"""How a plan takes a certificate off a stage through a resource other than the stage's own."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.address import Address
from checker.model.cases import DocumentCases
from checker.model.plan import Action, DeploymentChange, Plan, StageChange
from checker.model.resources import Presents, Stage


def written_by_deployments(
    document: DocumentCases,
) -> Iterator[tuple[DeploymentChange, Stage, StageChange | None]]:
    """Yield each recorded stage with a certificate that a changed deployment writes or deletes.

    The deployment comes first, then the stage, then the stage's own change, if any.
    """
    for deployment, stage, change in _written(document):
        if any(written.is_certain() and written.may_be(stage) for written in deployment.writes):
            yield deployment, stage, change


def uncertain(document: DocumentCases) -> Iterator[tuple[DeploymentChange, Stage]]:
    """Yield each recorded stage with a certificate that a deployment may write.

    Its API or stage name is known only after apply.
    """
    for deployment, stage, _ in _written(document):
        mine = [written for written in deployment.writes if written.may_be(stage)]
        if mine and not any(written.is_certain() for written in mine):
            yield deployment, stage


def deleted_with_their_api(document: DocumentCases) -> Iterator[Stage]:
    """Yield each recorded stage with a certificate that the plan keeps while it deletes the API."""
    plan = document.document.plan
    for stage, _ in _kept(document, plan) if plan is not None and plan.deleted_apis else ():
        if plan is not None and stage.api_id in plan.deleted_apis:
            yield stage


def deleted_through_another(document: DocumentCases) -> Iterator[tuple[Address, Stage]]:
    """Yield each recorded stage with a certificate that the plan deletes through a second resource.

    Both resources are for the same stage. The address of the other resource comes first.
    """
    plan = document.document.plan
    if plan is None:
        return
    gone: dict[tuple[object, str | None, str | None], Address] = {
        (change.before.kind, change.before.api_id, change.before.name): change.address
        for change in plan.stages
        if change.action is Action.DELETE
        and change.before is not None
        and change.before.api_id
        and change.before.name
    }
    for stage, _ in _kept(document, plan) if gone else ():
        other = gone.get((stage.kind, stage.api_id, stage.name))
        if other is not None and other != stage.address:
            yield other, stage


def _written(
    document: DocumentCases,
) -> Iterator[tuple[DeploymentChange, Stage, StageChange | None]]:
    plan = document.document.plan
    writing = (
        [deployment for deployment in plan.deployments if deployment.writes]
        if plan is not None
        else []
    )
    if plan is None or not writing:
        return
    for stage, change in _kept(document, plan):
        for deployment in writing:
            yield deployment, stage, change


def _kept(document: DocumentCases, plan: Plan) -> Iterator[tuple[Stage, StageChange | None]]:
    """Yield the recorded stages with a certificate that the plan keeps, with their changes.

    The plan neither deletes, replaces nor creates them.
    """
    changes = {
        (address, change.deposed): change
        for change in plan.stages
        for address in (change.address, change.previous_address)
    }
    for stage in document.document.stages:
        change = changes.get((stage.address, stage.deposed)) if stage.address is not None else None
        leaves = change is not None and (change.action.destroys or change.action is Action.CREATE)
        if (
            isinstance(stage.presents, Presents)
            and not leaves
            and not (stage.address is not None and stage.address.data)
        ):
            yield stage, change
