"""A stage presents no certificate.

## Why
Its backend cannot tell a call of API Gateway from any other call, unless it has another way.
Security baselines ask for a certificate (AWS Foundational Security Best Practices, APIGateway.2).
tfcert does so only where a policy switches the rule on, since a stage that calls no HTTP backend of
its own needs none.

## Example
A stage without `client_certificate_id`.

```hcl
resource "aws_api_gateway_stage" "live" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  deployment_id = aws_api_gateway_deployment.orders.id
  stage_name    = "live"
}
```

## How to fix
Make a certificate and have the backend trust it. Only then name it in `client_certificate_id`, in
a separate apply: a backend that asks for a certificate refuses one that it does not know.

## How to exempt
Leave it off, switch it off for a scope, or exempt the rule for the stage's address until a date.

## Source
AWS, API Gateway developer guide: the certificate is presented to HTTP backends; AWS Config,
api-gw-ssl-enabled. A stage of `aws_apigatewayv2_stage` is judged only where a scan shows that its
API is a WebSocket API: HTTP APIs cannot present any.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.certificate_uses import stage_key, stages_after
from checker.model.cases import Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.observation import ObservedStage
from checker.model.resources import Presents, PresentsNothing, Stage, StageKind
from checker.model.severity import Severity
from checker.rules.base import Judges, Rule, Subject, locate, stage_name


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a finding for each stage that presents nothing, as recorded or after the plan.

    A stage that presents a certificate in AWS is skipped.
    """
    for document in cases.documents:
        detached = _detached(document)
        for stage in stages_after(document.document):
            bare = isinstance(stage.presents, PresentsNothing) and stage.address not in detached
            if bare and _could(document, stage) and not _shown(cases, stage):
                yield Finding(
                    rule=RULE.name,
                    source=document.document.source.path,
                    severity=RULE.severity,
                    message=f"{stage_name(stage)} presents no certificate",
                    remedy="make one, have the backend trust it, then name it in "
                    "client_certificate_id, in a separate apply",
                    address=str(stage.address) if stage.address is not None else None,
                    location=locate(document, stage.address),
                    about=(stage,),
                )


def _detached(document: DocumentCases) -> frozenset[object]:
    """Return the stages that lose their certificate in the plan; stage-detached reports them."""
    plan = document.document.plan
    changes = plan.stages if plan is not None else ()
    return frozenset(
        change.address
        for change in changes
        if change.before and isinstance(change.before.presents, Presents)
    )


def _could(document: DocumentCases, stage: Stage) -> bool:
    return stage.kind is StageKind.REST or document.document.source.kind == "aws"


def _shown(cases: Cases, stage: Stage) -> bool:
    """Return whether the stage presents a certificate in AWS; certificate-drifted reports it."""
    key = stage_key(stage)
    answer = cases.observations.stages.get(key) if key is not None else None
    return isinstance(answer, ObservedStage) and answer.certificate_id is not None


RULE = Rule(
    name="stage-without-certificate",
    severity=Severity.WARNING,
    says="a stage presents no certificate",
    check=check,
    judges=Judges.FACTS,
    off=True,
    subject=Subject.STAGE,
)
