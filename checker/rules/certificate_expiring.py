"""A stage presents, or will present after this plan, a certificate that is near its end.

It is an error within the threshold, and a warning within the notice.

## Why
A rotation takes two parties and some days: the backend must trust the successor before a stage
presents it. Exactly `threshold` days left is a finding.

## Example
A certificate with 12 days left, at a threshold of 30.

```hcl
resource "aws_api_gateway_client_certificate" "orders" { # made 353 days ago: 12 are left
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}
```

## How to fix
Run `tfcert patch` and apply its patches, one phase per apply. While the successor is in state, the
finding is a warning until repoint-by. A plan that is the next step of the rotation never fails for
it. Re-import an ACM certificate under its ARN: nothing in Terraform changes. Where ACM renews the
certificate by itself, there is nothing to do. The finding is then a note, and a warning from the
threshold on, since ACM has usually renewed the certificate by then.

## How to exempt
Raise the threshold of the policy, or exempt the rule until a date before the certificate's end.

## Source
AWS, API Gateway developer guide: a client certificate is valid for 365 days. ACM user guide,
"Managed certificate renewal": ACM begins to renew 60 days before the end.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import ends_its_use, successor_in_state, takes_forward
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.deadlines import due
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import (
    NEAR_ITS_END,
    Judges,
    Rule,
    acm_remedy,
    acm_renews,
    certificate_finding,
    format_day,
    format_days,
    list_stages,
    presenters,
    rotate_remedy,
    stale_remedy,
)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a finding for each presented certificate that is near its end."""
    for document in cases.documents:
        for case in document.judged:
            near = (
                case.presented
                and case.within(cases.policy.notice_days)
                and (case.days_left or 0) >= 0
            )
            if near and case.evidence is not Evidence.GONE:
                yield _finding(cases, document, case)


def _finding(cases: Cases, document: DocumentCases, case: Case) -> Finding:
    policy = cases.policy
    assert case.expires_at is not None  # noqa: S101 -- `within` needs a date
    assert case.days_left is not None  # noqa: S101 -- as above
    severity = RULE.severity if case.within(policy.threshold_days) else Severity.WARNING
    introduce = due(policy.introduce_by(case.expires_at), cases.as_of)
    repoint = due(policy.repoint_by(case.expires_at), cases.as_of)
    remedy = (
        f"{rotate_remedy(document, case)}; introduce its successor {introduce}, repoint {repoint}"
    )
    cure = acm_remedy(case)
    if cure is not None:
        remedy = cure if acm_renews(case) else f"{cure}; do it {repoint}"
    if acm_renews(case):
        severity = Severity.WARNING if severity is RULE.severity else Severity.NOTE
    successor = successor_in_state(document, case)
    if takes_forward(document, case, policy):
        severity, remedy = (
            Severity.WARNING,
            f"this plan is the next step of its rotation; repoint {repoint}"
            if document.stale is None
            else stale_remedy(document.stale),
        )
    elif ends_its_use(document, case):
        severity, remedy = (
            Severity.WARNING,
            "this plan destroys the stages that present it: there is nothing to rotate",
        )
    elif successor is not None:
        severity = Severity.WARNING
        remedy = (
            f"its successor {successor.address} is in state: repoint the stages {repoint} "
            "(`tfcert patch`)"
        )
    message = (
        f"certificate {case.id} ends on {format_day(case.expires_at)}, in "
        f"{format_days(case.days_left)}, and is presented by {list_stages(presenters(case))}"
    )
    return certificate_finding(case, document, RULE.name, severity, message, remedy)


RULE = Rule(
    name="certificate-expiring",
    severity=Severity.ERROR,
    says="a stage presents, or by this plan will present, a certificate that nears its end",
    check=check,
    judges=Judges.EACH,
    headline=NEAR_ITS_END,
    cured_by_rotation=True,
)
