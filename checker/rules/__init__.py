"""The rules, one per file; `RULES` gives the order in which they run."""

from __future__ import annotations

from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.rules import (
    certificate_drifted,
    certificate_elsewhere,
    certificate_expired,
    certificate_expiring,
    certificate_gone,
    certificate_not_renewing,
    certificate_quota,
    certificate_unused,
    certificate_unverified,
    exemption_expired,
    exemption_invalid,
    exemption_unused,
    managed_twice,
    plan_exceeds_phase,
    rotation_destroys_in_use,
    rotation_overdue,
    rotation_premature,
    rotation_unstaged,
    stage_detached,
    stage_without_certificate,
    trust_missing,
    trust_not_updated,
    trust_outdated,
)
from checker.rules.base import Rule
from checker.rules.engine import judge_cases

# The rules about exemptions are last: they report on the exemptions that the other findings used.
RULES: tuple[Rule, ...] = (
    certificate_expired.RULE,
    certificate_expiring.RULE,
    certificate_gone.RULE,
    certificate_not_renewing.RULE,
    certificate_elsewhere.RULE,
    certificate_drifted.RULE,
    certificate_unused.RULE,
    managed_twice.RULE,
    certificate_unverified.RULE,
    rotation_unstaged.RULE,
    rotation_destroys_in_use.RULE,
    certificate_quota.RULE,
    rotation_premature.RULE,
    rotation_overdue.RULE,
    trust_missing.RULE,
    trust_not_updated.RULE,
    trust_outdated.RULE,
    stage_detached.RULE,
    stage_without_certificate.RULE,
    plan_exceeds_phase.RULE,
    exemption_invalid.RULE,
    exemption_expired.RULE,
    exemption_unused.RULE,
)


def judge(cases: Cases) -> tuple[Finding, ...]:
    """Return the findings of all rules, weighed and exempted as the policy says, and sorted.

    A finding that two rules report alike for one document is kept once.
    """
    return judge_cases(cases, RULES)
