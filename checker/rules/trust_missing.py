"""A plan moves a stage to a certificate that a backend of it does not trust.

## Why
The backend refuses each call of the stage from the moment of the apply.

## Example
The policy declares the backend of the stage with a bundle that has only the old certificate.

```hcl
# tfcert: succeeds aws_api_gateway_client_certificate.orders
resource "aws_api_gateway_client_certificate" "orders_202611" {
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders_202611.id # not in the bundle
}
```

## How to fix
Add the certificate's PEM to what the backend trusts, beside the old one, and reload the server.
`tfcert bundle --for nginx` writes what accepts both. Then update the bundle that the policy names,
or pass it with `--trust-file`.

## How to exempt
Exempt the rule for the stage's address until a date, or correct the backend in the policy.

## Source
The backends of the policy, what state, plan or `--trust` show of consumers (`docs/trust.md`), and
the answers to `--probe` or in `--probe-report` (`docs/probe.md`). A backend that is not confirmed
gives no finding: it stays a condition of the rotation.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.plan import StageChange
from checker.model.resources import Presents
from checker.model.severity import Severity
from checker.rules.base import DO_NOT_APPLY, Judges, Needs, Rule, locate


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each planned move of a stage to a certificate that its backend refuses."""
    for document in cases.documents:
        for change in document.judged_changes:
            match change.presented:
                case old, Presents(id=new) if old != Presents(new):
                    case = document.by_id(new)
                case _:
                    continue
            if not change.action.changes or case is None:
                continue
            for name, source, why in _refusing(cases, document, change, case):
                yield Finding(
                    rule=RULE.name,
                    source=document.document.source.path,
                    severity=RULE.severity,
                    message=f"the plan moves {change.address} to certificate {new}, which "
                    f"backend {name} ({source}) does not trust: {why}",
                    remedy=f"do not apply it: first add the PEM of {new} to what backend "
                    f"{name} trusts, beside the old one (`tfcert bundle`)",
                    address=str(change.address),
                    certificate_id=new,
                    location=locate(document, change.address),
                    about=change.sides,
                )


def _refusing(
    cases: Cases, document: DocumentCases, change: StageChange, case: Case
) -> Iterator[tuple[str, str, str]]:
    """Yield each backend that refuses a certificate: its name, the source, and the reason."""
    # Imported here, as below: few plans move a stage.
    from checker.analysis.backend_trust import as_backend, held_for
    from checker.model.trust import TrustStatus

    for backend in cases.policy.backends:
        if backend.serves(change.address):
            status, why = backend.judge(case.fingerprint, cases.as_of)
            if status is TrustStatus.REFUSED:
                yield backend.name, str(backend.bundle), why
    if case.fingerprint is None:
        return
    seen: set[tuple[str | None, str]] = set()
    for each in cases.probed:
        refused = {each.predecessor: each.old, each.successor: each.status}.get(case.fingerprint)
        ours = any(each.is_of(side) for side in change.sides)
        if ours and refused is TrustStatus.REFUSED and (each.backend, each.reason) not in seen:
            seen.add((each.backend, each.reason))
            yield each.backend or str(change.address), "probe", each.reason
    for held in held_for(cases, document.document, case).held:
        status, why = as_backend(held).judge(case.fingerprint, cases.as_of)
        if status is TrustStatus.REFUSED:
            yield str(held.consumer), held.source, why


def _is_answered(cases: Cases, document: DocumentCases, case: Case) -> bool:
    """Return whether every backend is known to trust the certificate that its stage gets."""
    from checker.analysis.backend_trust import trust_of
    from checker.model.trust import TrustStatus

    return all(
        trust_of(cases, document, (stage,), case) is TrustStatus.CONFIRMED
        for stage in case.subject.to_be_presented_by
    )


RULE = Rule(
    name="trust-missing",
    severity=Severity.ERROR,
    says="a plan moves a stage to a certificate that its backend does not trust",
    check=check,
    judges=Judges.EACH,
    needs=Needs.PLAN,
    is_answered=_is_answered,
    headline=DO_NOT_APPLY,
)
