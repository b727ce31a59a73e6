"""Policy, Scope, RunOptions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.model.rotation import Expected
from checker.model.severity import FailOn, Severity

if TYPE_CHECKING:
    from checker.model.conditions import Conditions
    from checker.model.exemptions import Exemption
    from checker.model.location import Location


# Days that must be the largest, and counts that must be the smallest, for the strictest of several policies.
_MORE_IS_STRICTER = (
    "threshold_days",
    "notice_days",
    "trust_window_days",
    "margin_days",
    "introduce_margin_days",
)


class Untouched(StrEnum):
    """The most that a finding may weigh when it is about what a plan does not touch; `error` lets each weigh what it does."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


# What a rule weighs; None is off.
Weight = Severity | None
Weights = tuple[tuple[str, Weight], ...]
# A value of the policy by the name of its field.
Setting = tuple[str, int | FailOn | Untouched]


class AccountAccess(Struct, frozen=True, kw_only=True):
    """How an account is entered: `role` is a role's ARN or its name in that account; None where one's own credentials serve.

    `external_id` is what the role's trust policy asks for. `account` has twelve digits.
    """

    account: str
    role: str | None = None
    external_id: str | None = None


class Scope(Struct, frozen=True, kw_only=True):
    """Values that hold instead of the policy's own for the stages and certificates that its conditions mean."""

    conditions: Conditions
    values: tuple[Setting, ...] = ()
    rules: Weights = ()
    name: str | None = None
    location: Location | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """Days that count, all whole: at `threshold_days` left an error, at `notice_days` a warning.

    `trust_window_days` is the least time between introduce and repoint, `margin_days` what must be left when the stages are
    repointed, `introduce_margin_days` what introduce must come earlier than the trust window asks for. `certificate_quota` is how
    many client certificates AWS lets an account have in a region. `rules` holds the weights that differ from the rules' own.
    `overrides` is what the environment and the command line say, over every scope. `homes` are the folders, as absolute paths, from
    the first of which that holds it a scope names a directory. `accounts` says how each is entered.
    """

    name: str = "default"
    threshold_days: int = 30
    notice_days: int = 60
    trust_window_days: int = 3
    margin_days: int = 7
    introduce_margin_days: int = 0
    certificate_quota: int = 60
    fail_on: FailOn = FailOn.ERROR
    untouched: Untouched = Untouched.ERROR
    rules: Weights = ()
    scopes: tuple[Scope, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    overrides: tuple[Setting, ...] = ()
    homes: tuple[str, ...] = ()
    accounts: tuple[AccountAccess, ...] = ()

    @property
    def tags(self) -> frozenset[str]:
        """The tags that a scope asks for: no others need be read."""
        return frozenset(key for scope in self.scopes for key, _ in scope.conditions.tags)

    def repoint_by(self, expires_at: datetime) -> datetime:
        """The last moment to repoint: the certificate's end less the margin."""
        return expires_at - timedelta(days=self.margin_days)

    def introduce_by(self, expires_at: datetime) -> datetime:
        """The last moment to introduce: repoint-by less the trust window and introduce's own margin."""
        return self.repoint_by(expires_at) - timedelta(
            days=self.trust_window_days + self.introduce_margin_days
        )

    def window_end(self, made_at: datetime) -> datetime:
        """The moment from which on a certificate that was made then is older than the trust window."""
        return made_at + timedelta(days=self.trust_window_days)

    def under(self, matching: Iterable[int]) -> Policy:
        """The policy where these scopes hold: of two that set one value the last wins, and the command line over both."""
        settings: dict[str, int | FailOn | Untouched] = {}
        rules = dict(self.rules)
        for index in matching:
            settings |= dict(self.scopes[index].values)
            rules |= dict(self.scopes[index].rules)
        settings |= dict(self.overrides)
        found = replace(self, **settings, rules=tuple(sorted(rules.items())))
        return (
            found
            if found.notice_days >= found.threshold_days
            else replace(found, notice_days=found.threshold_days)
        )


def strictness(policy: Policy, field: str) -> int:
    """How strict a value of a policy is, the strictest first: more days, fewer certificates, more that fails."""
    setting = getattr(policy, field)
    match setting:
        case FailOn():
            return (FailOn.WARNING, FailOn.ERROR, FailOn.NEVER).index(setting)
        case Untouched():
            return tuple(Untouched).index(setting)
        case _:
            return int(-setting if field in _MORE_IS_STRICTER else setting)


def strictest(policies: Iterable[Policy]) -> Policy:
    """One policy with the strictest of each number: the earliest warning, the widest margins, the smallest quota.

    What rules weigh is left as the first has it: findings are compared one by one.
    """
    several = tuple(policies)
    numbers = (*_MORE_IS_STRICTER, "certificate_quota")
    most = {
        name: getattr(min(several, key=partial(strictness, field=name)), name) for name in numbers
    }
    return replace(several[0], **most)


class Run(Struct, frozen=True, kw_only=True):
    """The moment is timezone-aware; `expect` is None where no phase was named."""

    as_of: datetime
    policy: Policy
    expect: Expected | None = None
