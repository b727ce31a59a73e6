"""A backend still trusts only an older certificate than the one that its stage presents.

## Why
The rotation is at retire: the stages present the successor. A backend that still trusts only the
predecessor refuses their calls, and retire deletes the way back.

## Example
The stage was repointed, and the bundle of its backend has only the old certificate.

```hcl
resource "aws_api_gateway_client_certificate" "orders" { # the only one in trust/orders.pem
}

# tfcert: succeeds aws_api_gateway_client_certificate.orders
resource "aws_api_gateway_client_certificate" "orders_202611" {
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders_202611.id
}
```

## How to fix
Add the PEM of the certificate that the stage presents to what the backend trusts, and reload the
server. Then update the bundle that the policy names, or pass it with `--trust-file`.

## How to exempt
Exempt the rule for the certificate's address until a date, or correct the backend in the policy.

## Source
The backends of the policy, and what state, plan or `--trust` show of the places that pass the older
PEM on (`docs/trust.md`). A certificate is older if it ends earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import Judges, Rule, certificate_finding, list_stages

if TYPE_CHECKING:
    from checker.model.trust import TrustBackend


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each certificate whose backend trusts only an older one."""
    if not (cases.policy.backends or cases.held):
        return
    # Imported here, as below: most runs know nothing of backends.
    from checker.analysis.backend_trust import as_backend, held_for
    from checker.model.trust import TrustStatus

    for document in cases.documents:
        for case in document.judged:
            stages_now = case.subject.now
            held = held_for(cases, document.document, case).held if stages_now else ()
            names = tuple(str(each.address) for each in stages_now if each.address is not None)
            for backend in (*cases.policy.backends, *(as_backend(each, names) for each in held)):
                stages = [each for each in stages_now if backend.serves(each.address)]
                if not stages:
                    continue
                status, why = backend.judge(case.fingerprint, cases.as_of)
                # The search looks at every certificate of the document.
                older = _older(document, case, backend) if status is TrustStatus.REFUSED else None
                if older is not None:
                    yield certificate_finding(
                        case,
                        document,
                        RULE.name,
                        RULE.severity,
                        f"backend {backend.name} ({backend.bundle}) trusts {_name(older)}, and not "
                        f"certificate {case.id}, presented by {list_stages(stages)}: {why}",
                        f"add the PEM of {case.id} to what backend {backend.name} trusts "
                        f"(`tfcert bundle`); do not retire {_name(older)} before that",
                    )


def _is_answered(cases: Cases, document: DocumentCases, case: Case) -> bool:
    """Return whether every backend of the certificate's stages is known to trust it."""
    from checker.analysis.backend_trust import trust_of
    from checker.model.trust import TrustStatus

    return all(
        trust_of(cases, document, (stage,), case) is TrustStatus.CONFIRMED
        for stage in case.subject.now
    )


def _older(document: DocumentCases, case: Case, backend: TrustBackend) -> Case | None:
    """Return a certificate of the bundle that ends before the given one."""
    return next(
        (
            other
            for other in document.cases
            if other.fingerprint is not None
            and backend.contains(other.fingerprint)
            and other.expires_at is not None
            and case.expires_at is not None
            and other.expires_at < case.expires_at
        ),
        None,
    )


def _name(case: Case) -> str:
    return f"certificate {case.id}"


RULE = Rule(
    name="trust-outdated",
    severity=Severity.ERROR,
    says="a backend trusts only an older certificate than the one that its stage presents",
    check=check,
    judges=Judges.EACH,
    is_answered=_is_answered,
)
