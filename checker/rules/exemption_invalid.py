"""A comment or entry for tfcert that does not count: an exemption that does not hold, or a lineage comment that cannot be read.

## Why
Whoever wrote it believes that a finding is taken care of. It is not: such an exemption is never taken, and never passed over
in silence.

## Example
`# tfcert:ignore certificate-expiring reason="moved soon"`, which has no `until`; an `until` behind the certificate's end; a
comment above an output instead of a stage or a certificate; one for certificate-expired.

A `# tfcert: succeeds …` comment that names no certificate, or stands at no client certificate, is reported too. tfcert introduces
no second successor beside it.

```hcl
# tfcert:ignore certificate-expiring reason="moved soon"
resource "aws_api_gateway_client_certificate" "orders" { # the comment has no until
}
```

## How to fix
The finding says what is wrong and in which line. A comment reads
`# tfcert:ignore RULE until=2026-12-31 reason="why"`, with `owner="who"` where somebody answers for it, in or directly above the
resource block. In a policy file most of this is an error of the file itself.

## How to exempt
This finding cannot be exempted; `exemption-invalid = "note"` under `[rules]` of the policy makes it weigh less.

## Source
tfcert's own: `docs/policy.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import Rule


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each exemption that cannot be taken."""
    for faulty in cases.tally.faulty if cases.tally is not None else ():
        yield Finding(
            rule=RULE.name,
            severity=RULE.severity,
            message=faulty.reason,
            remedy=faulty.remedy,
            address=faulty.address,
            certificate_id=faulty.certificate_id,
            location=faulty.location,
        )


RULE = Rule(
    name="exemption-invalid",
    severity=Severity.WARNING,
    says="an exemption that is written wrongly, or is to last longer than the certificate",
    check=check,
    mildest=Severity.NOTE,
    exemptable=False,
)
