"""What is right in a policy and will surprise all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from checker.cli.policies import PolicyInForce
from checker.domain.policy import Policy, Untouched
from checker.domain.severity import FailOn


def cautions(standing: PolicyInForce, *, today: date) -> Iterator[str]:
    """A sentence for each: deadlines before the first warning, caps without effect, exemptions that are over."""
    policy = standing.policy
    yield from _of(policy, "the policy")
    for index, scope in enumerate(policy.scopes):
        yield from _of(policy.under((index,)), f"{scope.location}: scope {index + 1}")
    for exemption in policy.exemptions:
        if exemption.until < today:
            yield f"{exemption.location}: the exemption of {exemption.subject} from {exemption.rule} ran out on {exemption.until}"


def _of(policy: Policy, what: str) -> Iterator[str]:
    before = policy.margin_days + policy.trust_window_days + policy.introduce_margin_days
    if policy.notice_days < before:
        yield (
            f"{what}: the first word comes {policy.notice_days} days before a certificate's end (notice_days), and introduce-by is "
            f"{before} days before it already"
        )
    if policy.untouched is Untouched.WARNING and policy.fail_on is FailOn.WARNING:
        yield f'{what}: untouched = "warning" changes no exit code while fail_on is "warning"; "note" does'
