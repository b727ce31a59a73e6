"""Check the other resources that write a stage or its certificate.

The effect of each resource on a stage:

- `aws_api_gateway_deployment` with `stage_name`: its creation writes the stage, and its deletion
  deletes the stage (provider before version 6).
- The same deployment, and the stage's own resource is created after it: AWS refuses the second
  creation, and the stage has no certificate.
- `aws_api_gateway_rest_api` with `body`, and `aws_api_gateway_rest_api_put`: no effect, because an
  OpenAPI definition contains no stage.
- `aws_api_gateway_rest_api`, deleted or replaced: AWS deletes the stages with the API.
- CloudFormation stacks and stack sets, and Cloud Control resources: the effect is in their
  template, and no plan shows it.

Source: terraform-provider-aws 5.100, internal/service/apigateway/deployment.go. `stage_name` goes
into CreateDeployment. The deletion deletes the stage while the stage points to the deployment.

Test runs of that provider confirm this. A stage whose deployment was replaced presents no
certificate, and its own resource sends nothing. Where both were replaced, the stage was deleted.
The new deployment then created it without a certificate, and CreateStage failed with
ConflictException.

Source for PutRestApi: API Gateway developer guide, OpenAPI extensions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Raw, Struct

from checker.errors import UnreadableError
from checker.model.address import Address
from checker.model.plan import (
    Action,
    DeploymentChange,
    StageChange,
    StageClash,
    UnknownChange,
    WrittenStage,
)
from checker.model.resource_types import APIS, DEPLOYMENTS, OTHER_WRITERS, STAGES
from checker.model.resources import PresentsNothing, Stage, StageKind
from checker.terraform.changes import IN_TEMPLATE, Change
from checker.terraform.decode import decode, members, printable
from checker.terraform.plan_configuration import PlanConfiguration
from checker.terraform.records import Record, optional_value

_V2 = "aws_apigatewayv2_deployment"


class _Deployment(Struct, frozen=True, gc=False):
    id: str | None = None
    deployment_id: str | None = None
    rest_api_id: str | None = None
    stage_name: str | None = None


class _Api(Struct, frozen=True, gc=False):
    id: str | None = None
    rest_api_id: str | None = None


def deployments(
    changes: Iterable[Change], recorded: Sequence[Record]
) -> Iterator[DeploymentChange]:
    """Yield the planned change of each deployment, with the stages that its stage name writes."""
    points_to: dict[tuple[str | None, str | None], str | None] = {}
    for record in recorded:
        if record.type in STAGES and record.deposed is None:
            found = decode(record.attributes, _Deployment, record.json_path)
            points_to[found.rest_api_id, found.stage_name] = found.deployment_id
    for change in changes:
        if change.type in DEPLOYMENTS and change.deposed is None and change.action.changes:
            writes = () if change.type == _V2 else tuple(dict.fromkeys(_written(change, points_to)))
            yield DeploymentChange(
                address=change.address,
                action=change.action,
                writes=writes,
                changed=change.changed(),
            )


def _written(
    change: Change, points_to: dict[tuple[str | None, str | None], str | None]
) -> Iterator[WrittenStage]:
    """Yield the stages that a change writes or deletes.

    An update in place changes only the description, so it writes no stage.
    """
    if change.before is not None and change.action.destroys:
        before = decode(change.before.attributes, _Deployment, change.before.json_path)
        identity = before.deployment_id or before.id
        # The provider does not touch a stage that already points to another deployment.
        other = points_to.get((before.rest_api_id, before.stage_name))
        if before.stage_name and not (
            change.action is Action.DELETE and other and identity and other != identity
        ):
            yield _written_by(change.before, before)
    if change.after is not None and (change.action.creates or change.action is Action.OTHER):
        after = decode(change.after.attributes, _Deployment, change.after.json_path)
        if after.stage_name or change.after.awaits("stage_name"):
            yield _written_by(change.after, after)


def _written_by(record: Record, found: _Deployment) -> WrittenStage:
    return WrittenStage(
        api_id=None
        if record.awaits("rest_api_id")
        else printable(found.rest_api_id, record.json_path.key("rest_api_id")),
        name=None
        if record.awaits("stage_name")
        else printable(found.stage_name, record.json_path.key("stage_name")),
    )


class _Named(Struct, frozen=True, kw_only=True):
    """A deployment with a stage name: its planned change, and its existing or new stage."""

    address: Address
    action: Action
    made: WrittenStage | None
    makes: WrittenStage | None


def stage_clashes(
    stages: Iterable[StageChange],
    changes: Sequence[Change],
    recorded: Iterable[Record],
    configuration: PlanConfiguration,
) -> Iterator[StageClash | UnknownChange]:
    """Yield the stages that a plan creates and that a deployment creates or has created too.

    A clash is certain where the deployment comes first. Every other case is left open.
    """
    created = [
        stage
        for stage in stages
        if stage.action.creates and stage.deposed is None and _at_stake(stage)
    ]
    named = list(_named(changes, recorded)) if created else []
    for stage in created:
        for deployment in named:
            yield from _clash(stage, deployment, configuration)


def _at_stake(change: StageChange) -> bool:
    """Return whether a stage of a REST API presents a certificate before or after the plan."""
    after = change.after
    return (
        after is not None
        and after.kind is StageKind.REST
        and any(
            presented is not None and not isinstance(presented, PresentsNothing)
            for presented in change.presented
        )
    )


def _named(changes: Sequence[Change], recorded: Iterable[Record]) -> Iterator[_Named]:
    known: set[Address] = set()
    for change in changes:
        if change.type in DEPLOYMENTS and change.type != _V2 and change.deposed is None:
            known |= {change.address, change.formerly}
            made, makes = (_with_name(side) for side in (change.before, change.after))
            makes = makes if change.action.creates or change.action is Action.OTHER else None
            if made is not None or makes is not None:
                yield _Named(address=change.address, action=change.action, made=made, makes=makes)
    for record in recorded:
        if (
            record.type in DEPLOYMENTS
            and record.type != _V2
            and record.deposed is None
            and record.address not in known
        ):
            made = _with_name(record)
            if made is not None:
                yield _Named(address=record.address, action=Action.NO_OP, made=made, makes=None)


def _with_name(record: Record | None) -> WrittenStage | None:
    if record is None:
        return None
    found = decode(record.attributes, _Deployment, record.json_path)
    return _written_by(record, found) if found.stage_name or record.awaits("stage_name") else None


def _clash(
    stage: StageChange, deployment: _Named, configuration: PlanConfiguration
) -> Iterator[StageClash | UnknownChange]:
    after, before = stage.after, stage.before
    if after is None:
        return
    same = _same(deployment.makes, after, deployment.address, configuration)
    if same is not False:
        # A stage that is deleted first has no fixed order relative to the new deployment.
        raced = stage.action is Action.REPLACE and deployment.action is not Action.REPLACE
        if same and not raced:
            yield StageClash(
                deployment=deployment.address, action=deployment.action, stage=after, before=before
            )
            return
        yield _open_clash(
            stage.address,
            f"{deployment.address} has stage_name and may create the same stage first",
        )
        return
    same = _same(deployment.made, after, deployment.address, configuration)
    itself = (
        before is not None
        and stage.action is Action.REPLACE
        and (before.api_id, before.name) == (after.api_id, after.name)
    )
    gone = deployment.action is Action.REPLACE and configuration.refers(
        stage.address, "deployment_id", deployment.address
    )
    if same is not False and not itself and not gone:
        yield _open_clash(
            stage.address, f"{deployment.address} has made a stage of that name (stage_name)"
        )


def _open_clash(stage: Address, why: str) -> UnknownChange:
    return UnknownChange(
        message=f"{stage} is created by this plan, and {why}: while that stage is there, AWS "
        "refuses a second one"
        " (ConflictException), and it presents no certificate of this plan",
        remedy="take stage_name out of the deployment without replacing it: `terraform state rm` "
        "it and remove the argument; where"
        f" the stage is there already, `terraform import '{stage}' API_ID/STAGE_NAME`; plan again",
        address=stage,
    )


def _same(
    written: WrittenStage | None,
    stage: Stage,
    deployment: Address,
    configuration: PlanConfiguration,
) -> bool | None:
    """Return whether a deployment's stage is the given one; None if the plan does not show it."""
    if written is None or (written.name and stage.name and written.name != stage.name):
        return False
    if written.api_id and stage.api_id:
        same: bool | None = written.api_id == stage.api_id
    else:
        same = (
            configuration.takes_same(deployment, stage.address, "rest_api_id")
            if stage.address is not None
            else None
        )
    return same if same is False or (written.name and stage.name) else None


def deleted_apis(changes: Iterable[Change]) -> frozenset[str]:
    """Return the ids of REST and WebSocket APIs that a plan deletes or replaces with all stages."""
    found: set[str] = set()
    for change in changes:
        if change.type in APIS and change.before is not None and change.action.destroys:
            api = decode(change.before.attributes, _Api, change.before.json_path)
            found |= {identity for identity in (api.rest_api_id or api.id,) if identity}
    return frozenset(found)


def unknown_changes(changes: Iterable[Change]) -> Iterator[UnknownChange]:
    """Yield the changes of resources whose template contains stages or certificates.

    The plan does not show the changes that the other service makes. A new resource changes no
    existing stage, so it is only a notice (`notices`).
    """
    for change in changes:
        if (
            change.type not in OTHER_WRITERS
            or not change.action.changes
            or change.action in {Action.CREATE, Action.FORGET}
        ):
            continue
        if any(
            _has_relevant_template(record)
            for record in (change.before, change.after)
            if record is not None
        ):
            verb = _VERBS.get(change.action, "changed")
            yield UnknownChange(
                message=f"{change.address}, which the plan {verb}, holds stages or client "
                "certificates of API Gateway: what happens"
                " to them is not in the plan",
                remedy="look at the change set of the stack first (`aws cloudformation "
                "create-change-set`), and run `tfcert scan`"
                " after the apply",
                address=change.address,
            )


_VERBS = {
    Action.UPDATE: "updates",
    Action.DELETE: "deletes",
    Action.REPLACE: "replaces",
    Action.REPLACE_CREATE_FIRST: "replaces",
}


def notices(
    records: Iterable[Record], changes: Iterable[Change] = (), stages: Sequence[Stage] = ()
) -> Iterator[str]:
    """Yield a sentence for each resource through which another service may manage stages.

    This includes certificates. `stages` are those of the document: the effect of a deployment on
    them is a finding, not a notice.
    """
    changed: set[Address] = set()
    for change in changes:
        if not change.action.changes or change.deposed is not None:
            continue
        if change.type in OTHER_WRITERS:
            changed.add(change.address)
            yield from _by_template(change)
        elif change.type in DEPLOYMENTS and change.type != _V2:
            yield from _by_deployment(change, stages)
    for record in records:
        if (
            record.type in OTHER_WRITERS
            and record.deposed is None
            and record.address not in changed
            and _has_relevant_template(record)
        ):
            yield _template_notice(record.address)


def _by_template(change: Change) -> Iterator[str]:
    sides = [record for record in (change.before, change.after) if record is not None]
    if any(_has_relevant_template(side) for side in sides):
        # A resource that already exists is inconclusive (`unknown_changes`).
        if change.action is Action.CREATE:
            yield _template_notice(change.address)
    elif all(_text(side) is None for side in sides):
        yield (
            f"{change.address} is changed by this plan, and its template is not in it: stages and "
            "client certificates of the"
            " template were not checked."
        )


def _by_deployment(change: Change, stages: Sequence[Stage]) -> Iterator[str]:
    for written in dict.fromkeys(_written(change, {})):
        if not any(written.may_be(stage) for stage in stages):
            name = written.name or "(known after apply)"
            yield (
                f"{change.address} writes stage {name} itself (`stage_name`): a client "
                "certificate that this stage was given"
                " outside Terraform is lost with this plan."
            )


def _template_notice(address: Address) -> str:
    return (
        f"{address} holds stages or client certificates of API Gateway that another service "
        "manages: they were not checked;"
        " `tfcert scan` finds them."
    )


def _has_relevant_template(record: Record) -> bool:
    text = _text(record)
    return text is not None and re.search(IN_TEMPLATE, memoryview(text)) is not None


def _text(record: Record) -> Raw | None:
    """Return the template's text as far as the document shows it.

    Stack set instances and hosted applications have no template text.
    """
    try:
        found = members(record.attributes, record.json_path)
    except UnreadableError:
        return None
    values = (found.get(name) for name in OTHER_WRITERS[record.type])
    return next(
        (raw for raw in values if raw is not None and optional_value(raw) is not None), None
    )


def shared_stages(stages: Iterable[Stage]) -> Iterator[tuple[Stage, Stage]]:
    """Yield each pair of resources that manage one stage: the first, and each other one."""
    first: dict[tuple[object, str, str], Stage] = {}
    for stage in stages:
        written = stage.address is not None and not stage.address.data
        if written and stage.api_id and stage.name and stage.deposed is None:
            other = first.setdefault((stage.kind, stage.api_id, stage.name), stage)
            if other.address != stage.address and other.place.may_be(stage.place):
                yield other, stage


def unverified_shared(
    now: Iterable[Stage], after: Iterable[Stage], changes: Iterable[Change]
) -> Iterator[UnknownChange]:
    """Yield the changes of stages that two resources manage.

    Each resource writes the certificate that it names, and the last write wins.
    """
    acting = {change.address for change in changes if change.action.changes}
    pairs = {
        (one.address, two.address): (one, two)
        for one, two in (*shared_stages(now), *shared_stages(after))
    }
    for one, two in pairs.values():
        different = one.presents != two.presents
        if different or not acting.isdisjoint({one.address, two.address}):
            yield UnknownChange(
                message=f"{one.address} and {two.address} are two resources for one stage "
                f"({one.api_id}/{one.name}): which"
                " certificate it presents depends on which of them is written last",
                remedy="leave the stage to one of them: take the block of the other out of the "
                "configuration, and"
                f" `terraform state rm '{two.address}'` (or, with Terraform 1.7 and later, a "
                "`removed` block with destroy = false)",
                address=two.address,
            )
