"""A comment or entry for tfcert does not count: an invalid exemption, or a faulty lineage comment.

## Why
Its author believes that a finding is exempted. It is not: tfcert never applies such an exemption,
and always reports it.

## Example
`# tfcert:ignore certificate-expiring reason="moved soon"`, which has no `until`; an `until` after
the certificate's end; a comment above an output instead of a stage or a certificate; one for
certificate-expired.

The rule also reports a `# tfcert: succeeds …` comment that names no certificate, or that is not at
a client certificate. tfcert introduces no second successor beside it.

```hcl
# tfcert:ignore certificate-expiring reason="moved soon"
resource "aws_api_gateway_client_certificate" "orders" { # the comment has no until
}
```

## How to fix
The finding names the mistake and its line. A comment has the form `# tfcert:ignore RULE
until=2026-12-31 reason="why"`. Add `owner="who"` to name the person who is responsible. It goes in
or directly above the resource block. In a policy file, most such mistakes are an error of the file
itself.

## How to exempt
This finding cannot be exempted; `exemption-invalid = "note"` under `[rules]` of the policy lowers
its weight.

## Source
tfcert's own: `docs/policy.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.severity import Severity
from checker.rules.base import Judges, Rule, Subject


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each exemption or lineage comment that does not count."""
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
    judges=Judges.EXEMPTIONS,
    mildest=Severity.NOTE,
    mildest_because="somebody believes that it applies",
    exemptable=False,
    subject=Subject.RUN,
)
