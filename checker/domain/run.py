"""What a run is told from outside: the moment it judges for, the policy, and the phase that a plan is held to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from checker.domain.policy import Policy
from checker.domain.rotation import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The moment is timezone-aware; `expect` is None where no phase was named."""

    as_of: datetime
    policy: Policy
    expect: Phase | None = None
