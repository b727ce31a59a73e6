"""A stage presents an id that AWS does not know.

## Why
The stage has nothing to present, or state is out of date: somebody deleted or replaced the certificate outside Terraform. AWS
said so itself, in the account and region that the stage is in.

## Example
A certificate deleted in the console, still named by `client_certificate_id`.

## How to fix
`terraform plan -refresh-only` shows what changed outside Terraform. Then introduce a certificate, have the backend trust it, and
point the stage to it. One of ACM's is issued or imported anew in ACM, and the stage pointed to its ARN.

## How to exempt
Exempt the rule for the certificate's id until a date.

## Source
AWS, API reference, GetClientCertificates: it lists every certificate of an account and region. One that is
named by an ARN is asked of ACM alone (DescribeCertificate), which API Gateway's list does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.cases import Cases, Evidence
from checker.domain.finding import Finding
from checker.domain.progress import takes_forward
from checker.domain.severity import Severity
from checker.rules.rule import Needs, Rule, about, list_stages, presenters

_REMEDY = "see what changed outside Terraform with `terraform plan -refresh-only`, then run `tfcert patch`"
_FROM_ACM = "have ACM issue or import another certificate, and point the stage to its ARN; no patch of tfcert's does that"


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each presented certificate that AWS answered not to know; a warning when the plan is the cure."""
    for document in cases.documents:
        for case in document.cases:
            if case.presented and case.evidence is Evidence.GONE:
                key = case.subject.key
                where = f" ({key.place})" if key is not None else ""
                cured = takes_forward(document, case, cases.policy)
                yield about(
                    case,
                    document,
                    RULE.name,
                    Severity.WARNING if cured else RULE.severity,
                    f"certificate {case.id} is presented by {list_stages(presenters(case))}, and AWS does not know it{where}",
                    _FROM_ACM if case.certificate.kind == "acm" else _REMEDY,
                )


RULE = Rule(
    name="certificate-gone",
    severity=Severity.ERROR,
    says="a stage presents an id that AWS does not know",
    check=check,
    needs=Needs.AWS,
)
