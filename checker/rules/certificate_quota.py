"""An account and region has fewer free client certificates than the rotations that are due need.

## Why
Until the retire phase, a rotation needs one certificate more than before. At the quota, API Gateway
refuses to make it, in the middle of an apply.

## Example
59 of 60 certificates exist, and two that stages present are near their end.

```hcl
resource "aws_api_gateway_client_certificate" "tenant" {
  for_each = var.tenants # 59 of them: a rotation of two at once finds one place free
}
```

## How to fix
Delete certificates that no stage presents. Or have the quota raised in Service Quotas, and write
the new one as `certificate_quota` into the policy. Rotating one certificate after the other, each
up to retire, needs only one free certificate.

## How to exempt
This finding cannot be exempted; raise `certificate_quota` in the policy, or give it a lower weight
under `[rules]`.

## Source
AWS, API Gateway quotas: 60 client certificates per account and region, adjustable. All certificates
that AWS lists count.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import successor_in_state
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.observation import Found, Gone
from checker.model.places import Place
from checker.model.severity import Severity
from checker.rules.base import Judges, Needs, Rule, Subject


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each account and region without room for the successors that are due."""
    needed: dict[Place, set[str]] = {}
    spare: dict[Place, set[str]] = {}
    for document in cases.documents:
        for case in document.judged:
            key = case.subject.key
            if key is not None and key.place.region is not None:
                place = Place(None, key.place.account, key.place.region)
                if _needs_one(cases, document, case):
                    needed.setdefault(place, set()).add(key.id)
                elif _may_succeed(cases, document, case):
                    spare.setdefault(place, set()).add(key.id)
    for place, ids in sorted(needed.items(), key=lambda entry: str(entry[0])):
        existing = cases.observations.certificate_count(place)
        quota = cases.policy.certificate_quota
        more = len(ids) - len(spare.get(place, ()))
        if existing is not None and quota - existing < more:
            yield Finding(
                rule=RULE.name,
                severity=RULE.severity,
                message=f"{place} has {existing} of {quota} client certificates, and rotations "
                f"that are due need {more} more",
                remedy="delete those that no stage presents, have the quota raised (then "
                "certificate_quota in the policy), or finish one rotation before the next is "
                "begun",
                about=place,
            )


def _needs_one(cases: Cases, document: DocumentCases, case: Case) -> bool:
    """Return whether a successor is still to be made.

    A certificate that AWS did not confirm may be in another account, which has a quota of its own.
    """
    answered = isinstance(case.observation, Found | Gone)
    due = case.within(cases.policy.notice_days) or isinstance(case.observation, Gone)
    presented = bool(case.subject.now) and case.certificate.kind == "gateway"
    return answered and due and presented and successor_in_state(document, case) is None


def _may_succeed(cases: Cases, document: DocumentCases, case: Case) -> bool:
    """Return whether it may be a successor that exists already.

    Without the configuration, its predecessor is unknown.
    """
    lasts = isinstance(case.observation, Found) and not case.within(cases.policy.notice_days)
    return (
        document.document.declared is None
        and lasts
        and not case.presented
        and case.certificate.kind == "gateway"
    )


RULE = Rule(
    name="certificate-quota",
    severity=Severity.WARNING,
    says="fewer free certificates in the account and region than the rotations that are due need",
    check=check,
    judges=Judges.PLACE,
    exemptable=False,
    needs=Needs.AWS,
    subject=Subject.RUN,
)
