"""An exemption matches no finding.

## Why
It is misspelt, or the problem that it exempted is fixed. Either way it protects nobody, and one day
it hides a new finding.

## Example
An exemption of `aws_api_gateway_client_certificate.orders` from certificate-expiring after that
certificate was rotated.

```hcl
# tfcert:ignore certificate-expiring until=2027-01-31 reason="moved in January"
resource "aws_api_gateway_client_certificate" "orders_202611" { # has 360 days left
}
```

## How to fix
Remove it, or correct the name in it: the address or the certificate's id as the report shows it.
Where a certificate is exempted by its stages, name all of them. In a policy that several root
modules share, limit the exemption by `directory`, `workspace`, `account` or `region`. The rule
reports an exemption only where the run could have had the finding. So it reports none offline for
facts that only AWS has, and none without a plan for facts that only plans show.

## How to exempt
This finding cannot be exempted; `exemption-unused = "note"` or `"off"` under `[rules]` of the
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
    """Yield a warning for each exemption that still runs and that no finding needed."""
    for unused in cases.tally.unused if cases.tally is not None else ():
        exemption = unused.exemption
        message = (
            f"the exemption of {exemption.subject} from {exemption.rule} exempts nothing: "
            f"{unused.why}"
        )
        yield exemption_finding(
            exemption, RULE.name, RULE.severity, message, "remove it, or correct the name in it"
        )


RULE = Rule(
    name="exemption-unused",
    severity=Severity.WARNING,
    says="an exemption that matches nothing",
    check=check,
    judges=Judges.EXEMPTIONS,
    exemptable=False,
    subject=Subject.RUN,
)
