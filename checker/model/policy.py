"""The policy of a run: days, severities, scopes and account access."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.model.observation import Drift
from checker.model.rotation import Expected
from checker.model.severity import FailOn, Severity

if TYPE_CHECKING:
    from checker.model.conditions import Conditions
    from checker.model.exemptions import Exemption
    from checker.model.location import Location
    from checker.model.trust import HeldBundle, TrustBackend, TrustMaterial, TrustStatus


# The strictest of several policies has the largest of these days, and the smallest of all counts.
_MORE_IS_STRICTER = (
    "threshold_days",
    "notice_days",
    "trust_window_days",
    "margin_days",
    "introduce_margin_days",
)


class Untouched(StrEnum):
    """The maximum severity of a finding about something that the plan does not change.

    `error` leaves every severity as it is.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Applies(StrEnum):
    """When a change of the configuration is applied: by somebody, or by its merge."""

    ON_APPLY = "on-apply"
    ON_MERGE = "on-merge"

    @property
    def verb(self) -> str:
        """Return what a reviewer does to make the change take effect."""
        return self.value.removeprefix("on-")

    @property
    def done(self) -> str:
        """Return the past participle of the verb."""
        return "merged" if self is Applies.ON_MERGE else "applied"

    @property
    def noun(self) -> str:
        """Return what the reviewer does it to."""
        return "change" if self is Applies.ON_MERGE else "plan"


class WindowWaiver(StrEnum):
    """What makes the trust window not count; the stricter value is the first."""

    NEVER = "never"
    CONFIRMED = "confirmed"


# An address that is safe as the target of a link in Markdown.
RULE_PAGES = r"https://[0-9A-Za-z][0-9A-Za-z.-]{0,252}(?::[0-9]{1,5})?(?:/[0-9A-Za-z._~/-]{0,500})?"
# The severity of a rule; None means off.
Weight = Severity | None
Weights = tuple[tuple[str, Weight], ...]
# A field's name and its value.
Value = int | FailOn | Untouched | WindowWaiver
Setting = tuple[str, Value]


class AccountAccess(Struct, frozen=True, kw_only=True):
    """The access to an account.

    `role` is the ARN of a role, or its name in that account; None means the user's own credentials.
    `external_id` is the external id that the role's trust policy requires. `account` has twelve
    digits.
    """

    account: str
    role: str | None = None
    external_id: str | None = None


class ProbeSettings(Struct, frozen=True, kw_only=True):
    """How `tfcert probe` calls the backends of a stage; what is empty or None is not set.

    `methods` are those that may be called, such as `GET /health`. `refused_statuses` are the HTTP
    statuses of a backend that refuses a certificate. `headers` are names of HTTP headers, each with
    the name of the environment variable that has the value.
    """

    methods: tuple[str, ...] = ()
    refused_statuses: tuple[int, ...] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def under(self, other: ProbeSettings) -> ProbeSettings:
        """Return these settings, where those that `other` sets replace them."""
        return ProbeSettings(
            methods=other.methods or self.methods,
            refused_statuses=self.refused_statuses
            if other.refused_statuses is None
            else other.refused_statuses,
            headers=tuple(sorted((dict(self.headers) | dict(other.headers)).items())),
        )


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Grouping(StrEnum):
    """Which rotations share a request of `tfcert propose`, within one phase."""

    CERTIFICATE = "certificate"
    ROOT = "root"
    ALL = "all"


class ProposeSettings(Struct, frozen=True, kw_only=True):
    """How `tfcert propose` opens requests; what is empty or None is not set.

    `limit` is the most requests that a run opens; only the policy itself has it, no scope.
    `schedule` are the days of the week on which requests are opened, in English and small letters.
    """

    reviewers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    group: Grouping | None = None
    limit: int | None = None
    schedule: tuple[str, ...] = ()

    def under(self, other: ProposeSettings) -> ProposeSettings:
        """Return these settings, where those that `other` sets replace them."""
        return ProposeSettings(
            reviewers=other.reviewers or self.reviewers,
            labels=other.labels or self.labels,
            group=other.group or self.group,
            limit=self.limit if other.limit is None else other.limit,
            schedule=other.schedule or self.schedule,
        )


class Scope(Struct, frozen=True, kw_only=True):
    """Values for the stages and certificates that match its conditions.

    They replace the policy's own values.
    """

    conditions: Conditions
    values: tuple[Setting, ...] = ()
    rules: Weights = ()
    probe: ProbeSettings = ProbeSettings()
    propose: ProposeSettings = ProposeSettings()
    name: str | None = None
    location: Location | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """The settings of a policy.

    All days are whole. A certificate with `threshold_days` left is an error; one with `notice_days`
    left is a warning. `trust_window_days` is the minimum time between introduce and repoint.
    `trust_window_waiver` is what makes that time not count. `margin_days` is the minimum time left
    when the stages are repointed. `introduce_margin_days` is extra time before introduce, beside
    the trust window. `certificate_quota` is the number of client certificates that AWS allows an
    account in a region. `rules` has the severities that differ from the rules' own. `overrides` has
    the values of the environment and the command line; they win over every scope. `homes` are
    folders as absolute paths: the directory of a scope is relative to the first of them that
    contains it. `accounts` has the access to each account.
    `backends` are the declared backends; a run reads their bundles. `probe` has the settings of
    `tfcert probe`, and `propose` those of `tfcert propose`. `applies`
    decides whether reports say apply or merge. `rule_pages` is the address of the folder with the
    pages of the rules.
    """

    name: str = "default"
    threshold_days: int = 30
    notice_days: int = 60
    trust_window_days: int = 3
    trust_window_waiver: WindowWaiver = WindowWaiver.NEVER
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
    backends: tuple[TrustBackend, ...] = ()
    probe: ProbeSettings = ProbeSettings()
    propose: ProposeSettings = ProposeSettings()
    applies: Applies = Applies.ON_APPLY
    rule_pages: str | None = None

    @property
    def tags(self) -> frozenset[str]:
        """Return the tags that any scope uses; no other tags need to be read."""
        return frozenset(key for scope in self.scopes for key, _ in scope.conditions.tags)

    def repoint_by(self, expires_at: datetime) -> datetime:
        """Return the last moment to repoint: the certificate's end minus the margin."""
        return expires_at - timedelta(days=self.margin_days)

    def introduce_by(self, expires_at: datetime) -> datetime:
        """Return the last moment to introduce.

        It is the repoint deadline minus the trust window and the margin of introduce.
        """
        return self.repoint_by(expires_at) - timedelta(
            days=self.trust_window_days + self.introduce_margin_days
        )

    def window_end(self, made_at: datetime) -> datetime:
        """Return the end of the trust window of a certificate that was created at that time."""
        return made_at + timedelta(days=self.trust_window_days)

    def waives_window(self, statuses: Iterable[TrustStatus]) -> bool:
        """Return whether the trust window does not count.

        `statuses` say of each backend whether it trusts the successor: all of them must.
        """
        if self.trust_window_waiver is WindowWaiver.NEVER:
            return False
        # Imported here, since few policies waive the window.
        from checker.model.trust import TrustStatus

        found = tuple(statuses)
        return bool(found) and all(each is TrustStatus.CONFIRMED for each in found)

    def under(self, matching: Iterable[int]) -> Policy:
        """Return the policy with the values of these scopes.

        If two scopes set one value, the last wins; the command line wins over both.
        """
        settings: dict[str, Value] = {}
        rules = dict(self.rules)
        probe, propose = self.probe, self.propose
        for index in matching:
            settings |= dict(self.scopes[index].values)
            rules |= dict(self.scopes[index].rules)
            probe = probe.under(self.scopes[index].probe)
            propose = propose.under(self.scopes[index].propose)
        settings |= dict(self.overrides)
        found = replace(
            self, **settings, rules=tuple(sorted(rules.items())), probe=probe, propose=propose
        )
        return (
            found
            if found.notice_days >= found.threshold_days
            else replace(found, notice_days=found.threshold_days)
        )


def strictness(policy: Policy, field: str) -> int:
    """Return a sort key of a policy's value, the strictest first.

    More days, fewer certificates, and more failing findings are stricter.
    """
    setting = getattr(policy, field)
    match setting:
        case FailOn():
            return (FailOn.WARNING, FailOn.ERROR, FailOn.NEVER).index(setting)
        case Untouched():
            return tuple(Untouched).index(setting)
        case WindowWaiver():
            return tuple(WindowWaiver).index(setting)
        case _:
            return int(-setting if field in _MORE_IS_STRICTER else setting)


def strictest(policies: Iterable[Policy]) -> Policy:
    """Return one policy with the strictest of each number, and of the waiver.

    That is the earliest warning, the widest margins and the smallest quota. The severities of rules
    are those of the first policy, because findings are compared one by one.
    """
    several = tuple(policies)
    numbers = (*_MORE_IS_STRICTER, "certificate_quota", "trust_window_waiver")
    most = {
        name: getattr(min(several, key=partial(strictness, field=name)), name) for name in numbers
    }
    return replace(several[0], **most)


# Each resource with trust material, beside the path of its document.
ReadTrust = Callable[[Sequence[tuple[str, "TrustMaterial"]]], "tuple[HeldBundle, ...]"]


class Run(Struct, frozen=True, kw_only=True):
    """The time and the policy of a run.

    `as_of` is timezone-aware; `expect` is None if no phase was named, and `drift` if the command
    does not compare stages with AWS. `trust` asks AWS what consumers of PEMs have now; None if
    nobody asked for it.
    """

    as_of: datetime
    policy: Policy
    expect: Expected | None = None
    drift: Drift | None = None
    trust: ReadTrust | None = None
