"""What a run is told from outside: the moment it judges for, the policy, and the phase that a plan is held to."""

from __future__ import annotations

from datetime import datetime

from checker.domain.policy import Policy
from checker.domain.rotation import Expected
from checker.domain.value import value


@value
class Run:
    """The moment is timezone-aware; `expect` is None where no phase was named."""

    as_of: datetime
    policy: Policy
    expect: Expected | None = None
