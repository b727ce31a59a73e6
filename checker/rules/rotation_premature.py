"""A plan moves a stage to a successor that is younger than the trust window.

## Why
Backends learn to trust the successor between introduce and repoint. A backend that does not trust
it yet refuses the stage's calls.

## Example
The successor was made this morning, and the plan of the afternoon repoints the stages; the trust
window is three days.

```hcl
# tfcert: succeeds aws_api_gateway_client_certificate.orders
resource "aws_api_gateway_client_certificate" "orders_202611" { # made this morning
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders_202611.id
}
```

## How to fix
Apply the plan after the end of the window. Or make sure that every backend already trusts the
successor: then it is safe to go on.

## How to exempt
Lower `trust_window_days` in the policy, or exempt the rule for the stage's address until a date.
With `trust_window_waiver = "confirmed"` the rule skips a stage whose every backend is confirmed to
trust the successor (`docs/trust.md`).

## Source
tfcert's own trust window: `trust_window_days` in `docs/policy.md`. The age is AWS's `createdDate`,
or else the recorded one. The rule skips ACM certificates: backends trust the CA that issued them.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Cases
from checker.model.deadlines import moment
from checker.model.finding import Finding
from checker.model.resources import Presents
from checker.model.severity import Severity
from checker.rules.base import Judges, Needs, Rule, format_days, locate


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each stage that a plan moves to a successor within its trust window."""
    for document in cases.documents:
        for change in document.judged_changes:
            match change.presented:
                case Presents(id=old), Presents(id=new) if old != new and change.action.changes:
                    successor = document.by_id(new)
                case _:
                    continue
            made = (
                successor.made_at
                if successor is not None and successor.certificate.kind == "gateway"
                else None
            )
            ready = cases.policy.window_end(made) if made is not None else None
            if made is None or ready is None or ready <= cases.as_of:
                continue
            # Imported here: few plans move a stage within the window.
            from checker.analysis.backend_trust import trust_of

            if cases.policy.waives_window([trust_of(cases, document, change.sides, successor)]):
                continue
            yield Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=RULE.severity,
                message=f"the plan moves {change.address} to certificate {new}, made at "
                f"{made:%Y-%m-%d %H:%M} UTC: less than the trust window of "
                f"{format_days(cases.policy.trust_window_days)} ago",
                remedy=f"do not apply before {moment(ready)}, or until every backend is known to "
                f"trust {new}",
                address=str(change.address),
                certificate_id=new,
                location=locate(document, change.address),
                about=change.sides,
                not_before=ready,
            )


RULE = Rule(
    name="rotation-premature",
    severity=Severity.WARNING,
    says="a plan moves a stage to a successor younger than the trust window",
    check=check,
    judges=Judges.EACH,
    needs=Needs.PLAN,
)
