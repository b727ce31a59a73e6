"""A rotation's own deadline has passed: the successor exists, and a stage has not moved yet.

## Why
Repoint-by is the certificate's end less the margin of the policy. After it, no time is left to find
out that a backend does not trust the successor.

## Example
The successor was introduced weeks ago, and the second patch was never applied.

```hcl
resource "aws_api_gateway_client_certificate" "orders" { # ends in 5 days, the margin is 7
}

# tfcert: succeeds aws_api_gateway_client_certificate.orders
resource "aws_api_gateway_client_certificate" "orders_202611" {
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id # still the old one
}
```

## How to fix
Make sure that the backend trusts the successor, then apply the repoint patch (`tfcert patch`). The
plan that does so does not fail for this.

## How to exempt
Exempt the rule for the certificate's address until a date before its end.

## Source
tfcert's own deadlines: `margin_days` in `docs/policy.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import successor_in_state, takes_forward
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.deadlines import moment
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import (
    Judges,
    Rule,
    RuleHeadline,
    certificate_finding,
    format_day,
    list_stages,
    stale_remedy,
)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each certificate still presented after repoint-by.

    Its successor is in state.
    """
    for document in cases.documents:
        for case in document.judged:
            if not case.subject.now or case.expires_at is None:
                continue
            repoint_by = cases.policy.repoint_by(case.expires_at)
            successor = successor_in_state(document, case)
            if successor is None or cases.as_of <= repoint_by:
                continue
            cured = takes_forward(document, case, cases.policy)
            yield certificate_finding(
                case,
                document,
                RULE.name,
                Severity.WARNING if cured else RULE.severity,
                f"certificate {case.id} was to be replaced by {successor.address} until "
                f"{format_day(repoint_by)}, and is still presented by "
                f"{list_stages(case.subject.now)}",
                _cure(document) if cured else _remedy(cases, document, case, successor),
            )


def _cure(document: DocumentCases) -> str:
    if document.stale is not None:
        return stale_remedy(document.stale)
    return "this plan moves the stages; apply it"


def _remedy(cases: Cases, document: DocumentCases, case: Case, successor: Case) -> str:
    """Return the remedy: repoint now.

    Within the trust window the default phase waits, so the remedy names the phase.
    """
    # Imported here: no rotation of most runs is overdue.
    from checker.analysis.backend_trust import trust_of

    ready = cases.policy.window_end(successor.made_at) if successor.made_at is not None else None
    trusted = (trust_of(cases, document, [stage], successor) for stage in case.subject.now)
    if ready is None or ready <= cases.as_of or cases.policy.waives_window(trusted):
        return "repoint the stages now (`tfcert patch`)"
    return (
        f"the successor's trust window ends on {moment(ready)}: have every backend trust it, "
        "then repoint (`tfcert patch --phase repoint`)"
    )


def _is_answered(_cases: Cases, document: DocumentCases, _case: Case) -> bool:
    """Return whether the configuration was read: it names the successor."""
    return document.document.declared is not None


RULE = Rule(
    name="rotation-overdue",
    severity=Severity.ERROR,
    says="a rotation's own deadline has passed: successor there, stage not moved",
    check=check,
    judges=Judges.EACH,
    is_answered=_is_answered,
    headline=RuleHeadline(rank=4, one="A rotation is overdue.", many="A rotation is overdue."),
    cured_by_rotation=True,
)
