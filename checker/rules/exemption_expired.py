"""An exemption has run out.

## Why
What it exempted counts again. One that stays in the file is read by the next person as a decision that still holds.

## Example
`until = 2026-10-31` in the policy, and it is November.

```hcl
# tfcert:ignore certificate-expiring until=2026-10-31 reason="moved in October"
resource "aws_api_gateway_client_certificate" "orders" { # and it is November
}
```

## How to fix
Take it away. If the finding is to be lived with for longer, decide so anew, with a new day and a reason: no later than the
certificate's end.

## How to exempt
This finding cannot be exempted; `exemption-expired = "note"` or `"off"` under `[rules]` of the policy makes it weigh less.

## Source
tfcert's own: `docs/policy.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import Rule, exemption_finding


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each exemption whose last day is over."""
    for exemption in cases.tally.expired if cases.tally is not None else ():
        message = (
            f"the exemption of {exemption.subject} from {exemption.rule} ran out on "
            f"{exemption.until}"
        )
        yield exemption_finding(
            exemption,
            RULE.name,
            RULE.severity,
            message,
            "take it away; what it exempted counts again",
        )


RULE = Rule(
    name="exemption-expired",
    severity=Severity.WARNING,
    says="an exemption that has run out",
    check=check,
    exemptable=False,
)
