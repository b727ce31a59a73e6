"""A plan takes the certificate off a stage.

## Why
The backend can no longer tell that a call came through the gateway: one that asks for a client
certificate refuses every call.

A deployment with `stage_name` has the same effect, and the plan does not show it. When the
deployment is replaced, created or deleted, API Gateway writes or deletes that stage. The stage's
own resource sends the certificate only where its id changes. Where the same plan creates the
stage's own resource, AWS refuses that: the deployment has created the stage, without a certificate.

## Example
`client_certificate_id` removed from a stage, or set to null or to an empty string.

```hcl
resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = null # was aws_api_gateway_client_certificate.orders.id
}
```

```hcl
resource "aws_api_gateway_deployment" "orders" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  stage_name  = "live" # a second owner of the stage
}
```

## How to fix
Put the reference back; to rotate, run `tfcert patch`. Remove `stage_name` from the deployment: the
stage has a resource of its own. That replaces the deployment once more, and that plan deletes the
stage too. So take the deployment out of the state first (`terraform state rm`), and let Terraform
create one without `stage_name`.

## How to exempt
Exempt the rule for the stage's address until a date.

## Source
terraform-provider-aws internal/service/apigateway/stage.go: an unset attribute is sent as an empty
id. deployment.go of version 5: `stage_name` is sent with CreateDeployment, and the stage is deleted
with the deployment that it points to. In a real apply, the stage presented no certificate
afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.plan import Action, StageClash
from checker.model.resources import Presents, PresentsNothing, Stage
from checker.model.severity import Severity
from checker.rules.base import DO_NOT_APPLY, Judges, Needs, Rule, Subject, locate, stage_name
from checker.rules.detaching import (
    deleted_through_another,
    deleted_with_their_api,
    written_by_deployments,
)

PRESENTED = "client_certificate_id"
_DONE = {
    Action.CREATE: "created",
    Action.DELETE: "deleted",
    Action.REPLACE: "replaced",
    Action.REPLACE_CREATE_FIRST: "replaced",
}


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each stage that a plan leaves without its certificate."""
    for document in cases.documents:
        plan = document.document.plan
        for change in plan.stages if plan is not None else ():
            match change.presented:
                case Presents(id=old), PresentsNothing() if change.action.changes:
                    yield Finding(
                        rule=RULE.name,
                        source=document.document.source.path,
                        severity=RULE.severity,
                        message=f"the plan takes certificate {old} off {change.address}, which "
                        "would present none",
                        remedy="put client_certificate_id back; to rotate, run `tfcert patch`",
                        address=str(change.address),
                        certificate_id=old,
                        location=locate(document, change.address),
                        about=change.sides,
                    )
                case _:
                    pass
        yield from _through_others(document)


def _through_others(document: DocumentCases) -> Iterator[Finding]:
    for deployment, stage, change in written_by_deployments(document):
        old = stage.presents.id if isinstance(stage.presents, Presents) else ""
        sent = change is not None and PRESENTED in change.changed
        then = (
            "the same plan gives it another one, and until then it presents none"
            if sent
            else "its own resource does not send the certificate again"
        )
        done = _DONE.get(deployment.action, "changed")
        yield _finding(
            document,
            stage,
            f"the plan takes certificate {old} off {stage_name(stage)}: {deployment.address} "
            f"({done}) has stage_name and writes the stage itself; {then}",
            "take stage_name out of the deployment without replacing it: `terraform state rm` it, "
            "remove the argument, plan again",
        )
    for clash in document.document.plan.clashes if document.document.plan is not None else ():
        yield _clash(document, clash)
    for stage in deleted_with_their_api(document):
        yield _finding(
            document,
            stage,
            f"the plan deletes API {stage.api_id}, and {stage_name(stage)}, which the plan keeps, "
            "goes with it",
            "keep the API, or delete the stage in the same plan",
        )
    for other, stage in deleted_through_another(document):
        yield _finding(
            document,
            stage,
            f"the plan deletes the stage of {stage_name(stage)} through {other}, a second resource "
            "for the same stage",
            f"take it out of the state without a deletion: `terraform state rm '{other}'`, or, "
            "with Terraform 1.7 and later, a `removed` block with destroy = false",
        )


def _clash(document: DocumentCases, clash: StageClash) -> Finding:
    sides = [side for side in (clash.before, clash.stage) if side is not None]
    known = [side.presents.id for side in sides if isinstance(side.presents, Presents)]
    done = _DONE.get(clash.action, "changed")
    return Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=RULE.severity,
        message=f"{stage_name(clash.stage)} would present no certificate: {clash.deployment} "
        f"({done}) has stage_name and creates the stage first, and AWS refuses to create it again "
        "(ConflictException), so the apply fails",
        remedy="take stage_name out of the deployment: the stage has a resource of its own; then "
        "plan again"
        if clash.action is Action.CREATE
        else "take stage_name out of the deployment without replacing it: `terraform state rm` it, "
        "remove the argument, plan again",
        address=str(clash.stage.address) if clash.stage.address is not None else None,
        certificate_id=known[0] if known else None,
        location=locate(document, clash.stage.address),
        about=tuple(sides),
    )


def _finding(document: DocumentCases, stage: Stage, message: str, remedy: str) -> Finding:
    return Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=RULE.severity,
        message=message,
        remedy=remedy,
        address=str(stage.address) if stage.address is not None else None,
        certificate_id=stage.presents.id if isinstance(stage.presents, Presents) else None,
        location=locate(document, stage.address),
        about=(stage,),
    )


RULE = Rule(
    name="stage-detached",
    severity=Severity.ERROR,
    says="a plan takes the certificate off a stage",
    check=check,
    judges=Judges.FACTS,
    needs=Needs.PLAN,
    headline=DO_NOT_APPLY,
    subject=Subject.STAGE,
)
