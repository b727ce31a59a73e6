"""An exemption has run out.

## Why
The finding that it exempted counts again. If the exemption stays in the file, the next reader takes
it for a decision that is still valid.

## Example
`until = 2026-10-31` in the policy, and it is November.

```hcl
# tfcert:ignore certificate-expiring until=2026-10-31 reason="moved in October"
resource "aws_api_gateway_client_certificate" "orders" { # and it is November
}
```

## How to fix
Remove it. To accept the finding for longer, decide again, with a new date and a reason: no later
than the certificate's end.

## How to exempt
This finding cannot be exempted; `exemption-expired = "note"` or `"off"` under `[rules]` of the
policy lowers its weight.

## Source
tfcert's own: `docs/policy.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import Judges, Rule, Subject, exemption_finding


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each exemption whose last day has passed."""
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
            "remove it; the finding that it exempted counts again",
        )


RULE = Rule(
    name="exemption-expired",
    severity=Severity.WARNING,
    says="an exemption that has run out",
    check=check,
    judges=Judges.EXEMPTIONS,
    exemptable=False,
    subject=Subject.RUN,
)
