"""A stage presents a certificate whose end has passed.

## Why
The backend refuses the gateway's calls, unless it does not check dates. API Gateway never renews a
client certificate: it ends 365 days after it was made.

## Example
A stage whose `client_certificate_id` names a certificate of last year.

```hcl
resource "aws_api_gateway_client_certificate" "orders" { # made 366 days ago
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}
```

## How to fix
Run `tfcert patch`. The backend already refuses the certificate, so there is no overlap to keep. The
order stays the same: introduce the successor, have the backend trust it, repoint, retire. An ACM
certificate is re-imported or renewed in ACM instead.

## How to exempt
This finding cannot be exempted.

## Source
AWS, API Gateway developer guide, "Generate and configure an SSL certificate for backend
authentication".
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import ends_its_use, takes_forward
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import (
    Judges,
    Rule,
    RuleHeadline,
    acm_remedy,
    acm_renews,
    certificate_finding,
    format_day,
    list_stages,
    presenters,
    rotate_remedy,
    stale_remedy,
)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each presented certificate that has ended.

    It is a warning if the plan is the cure.
    """
    for document in cases.documents:
        for case in document.judged:
            if (
                not case.presented
                or case.expires_at is None
                or case.days_left is None
                or case.days_left >= 0
            ):
                continue
            if case.evidence is Evidence.GONE:
                continue
            leaving = ends_its_use(document, case)
            cured = leaving or takes_forward(document, case, cases.policy)
            yield certificate_finding(
                case,
                document,
                RULE.name,
                Severity.WARNING if cured else RULE.severity,
                f"certificate {case.id} ended on {format_day(case.expires_at)} and is presented by "
                f"{list_stages(presenters(case))}",
                _LEAVING if leaving else _remedy(document, case, cured=cured),
            )


_LEAVING = "this plan destroys the stages that present it: there is nothing to rotate"


def _remedy(document: DocumentCases, case: Case, *, cured: bool) -> str:
    if cured and document.stale is not None:
        return stale_remedy(document.stale)
    if cured:
        return "this plan is the next step of its rotation"
    if acm_renews(case):
        return (
            "ACM should have renewed it and has not: look for the reason in ACM "
            "(`aws acm describe-certificate`)"
        )
    return acm_remedy(case) or f"{rotate_remedy(document, case)} for the next safe step"


RULE = Rule(
    name="certificate-expired",
    severity=Severity.ERROR,
    says="a stage presents a certificate whose end has passed",
    check=check,
    judges=Judges.EACH,
    mildest=Severity.ERROR,
    mildest_because="calls fail already",
    exemptable=False,
    headline=RuleHeadline(
        rank=1,
        one="A certificate in use has ended.",
        many="{count} certificates in use have ended.",
    ),
    cured_by_rotation=True,
)
