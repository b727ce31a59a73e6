"""A plan takes the certificate off a stage.

## Why
The backend can no longer tell that a call came through the gateway: one that asks for a client certificate refuses every call.

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

## How to fix
Put the reference back; to rotate, run `tfcert patch`.

## How to exempt
Exempt the rule for the stage's address until a date.

## Source
terraform-provider-aws internal/service/apigateway/stage.go: an unset attribute is sent as an empty id.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.cases import Cases
from checker.domain.finding import Finding
from checker.domain.severity import Severity
from checker.domain.stage import Presents, PresentsNothing
from checker.rules.rule import Needs, Rule, locate


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each stage that presents a certificate before the plan and none after it."""
    for document in cases.documents:
        plan = document.document.plan
        for change in plan.stages if plan is not None else ():
            match change.presented:
                case Presents(id=old), PresentsNothing() if change.action.changes:
                    yield Finding(
                        rule=RULE.name,
                        source=document.document.source.path,
                        severity=RULE.severity,
                        message=f"the plan takes certificate {old} off {change.address}, which would present none",
                        remedy="put client_certificate_id back; to rotate, run `tfcert patch`",
                        address=str(change.address),
                        certificate_id=old,
                        location=locate(document, change.address),
                        about=change.sides,
                    )
                case _:
                    pass


RULE = Rule(
    name="stage-detached",
    severity=Severity.ERROR,
    says="a plan takes the certificate off a stage",
    check=check,
    needs=Needs.PLAN,
)
