"""A stage presents an id that AWS does not know.

## Why
The stage has nothing to present, or state is out of date: somebody deleted or replaced the
certificate outside Terraform. AWS gave this answer itself, in the account and region of the stage.

## Example
A certificate was deleted in the console, and `client_certificate_id` still names it.

```hcl
resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id # deleted in the console
}
```

## How to fix
The next plan makes the certificate again and moves its stages to it, all in one apply, before any
backend trusts it. So have Terraform make it alone first (`terraform apply -target=ADDRESS`). Give
its PEM to the backends, and then apply the rest. For an ACM certificate, issue or import another
one in ACM, and point the stage to its ARN.

## How to exempt
Exempt the rule for the certificate's id until a date.

## Source
AWS, API reference, GetClientCertificates: it lists every client certificate of an account and
region. The list of API Gateway has no ACM certificates, so tfcert asks ACM alone for an ARN
(DescribeCertificate).
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import takes_forward
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import (
    Judges,
    Needs,
    Rule,
    RuleHeadline,
    certificate_finding,
    list_stages,
    presenters,
    rotate_remedy,
)

_FROM_ACM = (
    "have ACM issue or import another certificate, and point the stage to its ARN; no patch of "
    "tfcert's does that"
)
_NOT_HERE = (
    "where Terraform makes another one, apply that alone first (`terraform apply "
    "-target=ADDRESS`) and give its PEM to the backends; otherwise point the stages to a "
    "certificate that exists"
)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each presented certificate that AWS does not know.

    It is a warning if the plan is the cure.
    """
    for document in cases.documents:
        for case in document.judged:
            if case.presented and case.evidence is Evidence.GONE:
                key = case.subject.key
                where = f" ({key.place})" if key is not None else ""
                cured = takes_forward(document, case, cases.policy)
                scanned = document.document.source.kind == "aws"
                outdated = "" if scanned else ", or state is out of date"
                yield certificate_finding(
                    case,
                    document,
                    RULE.name,
                    Severity.WARNING if cured else RULE.severity,
                    f"AWS does not know certificate {case.id}{where}, presented by "
                    f"{list_stages(presenters(case))}: it was deleted outside Terraform{outdated}",
                    _remedy(document, case),
                )


def _remedy(document: DocumentCases, case: Case) -> str:
    if case.certificate.kind == "acm":
        return _FROM_ACM
    if case.address is not None:
        return _anew(case.address)
    return rotate_remedy(document, case) if document.document.source.kind == "aws" else _NOT_HERE


def _anew(address: Address) -> str:
    """Return the remedy for a certificate that Terraform would make again.

    Source: run with Terraform 1.11.4 (tests/acceptance/test_deleted_by_hand.py).
    """
    return (
        "do not apply everything at once: Terraform would create it again and move the stages to "
        f"it before any backend trusts it. First `terraform apply -target='{address}'`, which "
        "makes it alone; give its PEM to the backends; then apply the rest"
    )


RULE = Rule(
    name="certificate-gone",
    severity=Severity.ERROR,
    says="a stage presents an id that AWS does not know",
    check=check,
    judges=Judges.EACH,
    needs=Needs.AWS,
    headline=RuleHeadline(
        rank=2,
        one="A stage presents a certificate that AWS does not know.",
        many="{count} certificates in use are unknown to AWS.",
    ),
    cured_by_rotation=True,
)
