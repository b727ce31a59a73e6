"""What observation asks of AWS, whoever answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from checker.aws.connection import Role
from checker.model.observation import Calls, Found, Gone, ObservedStage, Unanswered
from checker.model.resources import StageKind


class GatewayError(Exception):
    """A question that AWS did not answer: why, and what a person can do about it.

    Neither text ever holds a secret, a header, or words that a server put into an error.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.unanswered = Unanswered(reason=reason, remedy=remedy)


class UnreachableError(GatewayError):
    """Nothing else in this region would be answered either."""


class MissingError(GatewayError):
    """AWS says in its own words that what was asked about is not there."""


class CredentialsError(GatewayError):
    """These credentials are accepted nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A REST or WebSocket API: what `stages` needs to list its stages."""

    kind: StageKind
    id: str
    name: str | None = None


class Gateway(Protocol):
    """AWS as one set of credentials sees it; safe to use from several threads.

    Every method that asks raises GatewayError and nothing else, and none answers in part: a list is whole or not given.
    """

    def endpoint(self, region: str) -> str | None:
        """The host that is asked in AWS's place in a region, once it is known; None for AWS itself. Never waits."""

    def account(self, region: str) -> str:
        """The account that the credentials belong to, by asking STS in a region."""

    def regions(self, region: str) -> tuple[str, ...]:
        """The regions of the partition that are enabled for the account, by asking EC2 in one of them."""

    def certificates(self, region: str) -> Mapping[str, Found | Unanswered]:
        """Every client certificate of the region by id; unanswered is one that AWS describes without an end."""

    def acm_certificate(self, region: str, arn: str) -> Found | Gone | Unanswered:
        """A certificate of ACM; Gone where ACM says in its own words that this account and region do not have it."""

    def apis(self, region: str, kind: StageKind) -> tuple[Api, ...]:
        """Every API of a kind in the region; HTTP APIs, which present no certificate, are of neither kind."""

    def stages(self, region: str, api: Api) -> tuple[ObservedStage, ...]:
        """Every stage of an API; MissingError where AWS has no such API."""

    def has_stage(self, region: str, api: Api, name: str) -> bool:
        """Whether an API of that id has a stage of that name, in this account and region."""


class Gateways(Protocol):
    """AWS as a run reaches it, with each set of credentials that it has; safe to use from several threads."""

    def of(self, role: Role | None) -> Gateway:
        """AWS as a role sees it, or as the run's own credentials do. Asks nothing."""

    def region(self) -> str | None:
        """The region to ask where no document names one; None where nothing names one. GatewayError for broken configuration."""

    def traffic(self) -> tuple[Calls, ...]:
        """What was sent so far, retries included."""
