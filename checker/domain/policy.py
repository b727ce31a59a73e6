"""What an organisation has decided: how many days count, and what each rule weighs."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from checker.domain.value import value


class FailOn(StrEnum):
    """From which severity on a finding makes exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


@value
class AccountAccess:
    """How an account is entered: `role` is a role's ARN or its name in that account; None where one's own credentials serve.

    `external_id` is what the role's trust policy asks for. `account` has twelve digits.
    """

    account: str
    role: str | None = None
    external_id: str | None = None


@value
class Policy:
    """Days that count, all whole: at `threshold_days` left an error, at `notice_days` a warning.

    `trust_window_days` is the least time between introduce and repoint, `margin_days` what must be left when the stages are
    repointed. `certificate_quota` is how many client certificates AWS lets an account have in a region. `accounts` says how each
    is entered.
    """

    name: str = "default"
    threshold_days: int = 30
    notice_days: int = 60
    trust_window_days: int = 3
    margin_days: int = 7
    certificate_quota: int = 60
    fail_on: FailOn = FailOn.ERROR
    accounts: tuple[AccountAccess, ...] = ()

    def repoint_by(self, expires_at: datetime) -> datetime:
        """The last moment to repoint: the certificate's end less the margin."""
        return expires_at - timedelta(days=self.margin_days)

    def introduce_by(self, expires_at: datetime) -> datetime:
        """The last moment to introduce: repoint-by less the trust window."""
        return self.repoint_by(expires_at) - timedelta(days=self.trust_window_days)
