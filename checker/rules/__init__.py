"""The rules, one a file; `RULES` is the order in which they run."""

from __future__ import annotations

from checker.domain.cases import Cases
from checker.domain.finding import Finding
from checker.rules import (
    certificate_drifted,
    certificate_elsewhere,
    certificate_expired,
    certificate_expiring,
    certificate_gone,
    certificate_not_renewing,
    certificate_quota,
    certificate_unverified,
    plan_exceeds_phase,
    rotation_destroys_in_use,
    rotation_overdue,
    rotation_premature,
    rotation_unstaged,
    stage_detached,
)
from checker.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    certificate_expired.RULE,
    certificate_expiring.RULE,
    certificate_gone.RULE,
    certificate_not_renewing.RULE,
    certificate_elsewhere.RULE,
    certificate_drifted.RULE,
    certificate_unverified.RULE,
    rotation_unstaged.RULE,
    rotation_destroys_in_use.RULE,
    certificate_quota.RULE,
    rotation_premature.RULE,
    rotation_overdue.RULE,
    stage_detached.RULE,
    plan_exceeds_phase.RULE,
)


def judge(cases: Cases) -> tuple[Finding, ...]:
    """Run every rule and sort what they say; what two rules say alike of one document is kept once."""
    found = {finding for rule in RULES for finding in rule.check(cases)}
    return tuple(sorted(found, key=lambda finding: finding.order))
