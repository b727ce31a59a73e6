"""An ACM certificate near its end that ACM will not renew: it was imported, or its renewal failed.

## Why
A stage that names an ACM certificate presents the one that ACM has under that ARN. So nothing in
Terraform changes at its end, as long as ACM renews it. ACM does not renew an imported certificate.
A renewal can also fail, for instance because the private CA denies it. Then the certificate ends as
any other does, and nobody expects it.

## Example
An imported certificate with 12 days left; a certificate of a private CA whose renewal ended with
`PCA_ACCESS_DENIED`.

```hcl
resource "aws_acm_certificate" "backend" {
  certificate_body = file("backend.pem") # imported: ACM will never renew it
  private_key      = var.private_key
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_acm_certificate.backend.arn
}
```

## How to fix
Re-import the certificate under the same ARN, or fix the reason why ACM does not renew it: the
finding names which. The finding is a warning within the notice, and an error at the threshold. A
plan that moves the stages to a certificate that ends later never fails for it.

## How to exempt
Exempt the rule for the certificate's ARN until a date before its end.

## Source
AWS, ACM user guide, "Managed certificate renewal"; ACM API reference, DescribeCertificate: Type,
RenewalEligibility, RenewalSummary.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import takes_forward
from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.observation import AcmDoesNotRenew, Found
from checker.model.severity import Severity
from checker.rules.base import (
    NEAR_ITS_END,
    Judges,
    Needs,
    Rule,
    certificate_finding,
    format_day,
    format_days,
)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a finding for each presented ACM certificate near its end that ACM will not renew."""
    policy = cases.policy
    for document in cases.documents:
        for case in document.judged:
            if not case.presented or not case.within(policy.notice_days) or case.expires_at is None:
                continue
            left = case.days_left
            match case.observation:
                case Found(renewal=AcmDoesNotRenew(reason=reason, remedy=remedy)) if (
                    left is not None and left >= 0
                ):
                    cured = takes_forward(document, case, policy)
                    severity = (
                        RULE.severity
                        if case.within(policy.threshold_days) and not cured
                        else Severity.WARNING
                    )
                    message = (
                        f"certificate {case.id} ends on {format_day(case.expires_at)}, in "
                        f"{format_days(left)}, and ACM will not renew it: {reason}"
                    )
                    yield certificate_finding(case, document, RULE.name, severity, message, remedy)
                case _:
                    pass


RULE = Rule(
    name="certificate-not-renewing",
    severity=Severity.ERROR,
    says="an ACM certificate near its end that ACM will not renew by itself",
    check=check,
    judges=Judges.EACH,
    needs=Needs.AWS,
    headline=NEAR_ITS_END,
)
