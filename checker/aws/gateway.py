"""The interface between the observation code and AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from checker.aws.connection import Role
from checker.aws.integrations import ApiMethod
from checker.model.observation import Calls, Found, Gone, ObservedStage, Unanswered
from checker.model.probe import ProbeAnswer
from checker.model.resources import StageKind


class GatewayError(Exception):
    """AWS did not answer a question: the reason, and what the user can do.

    Neither text ever contains a secret, a header, or words from a server's error message.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.unanswered = Unanswered(reason=reason, remedy=remedy)


class UnreachableError(GatewayError):
    """Nothing else in this region would be answered either."""


class ThrottledError(UnreachableError):
    """AWS refused the request because of its rate, before it did anything."""


class MissingError(GatewayError):
    """AWS itself answered that the thing does not exist."""


class CredentialsError(GatewayError):
    """These credentials are accepted nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A REST or WebSocket API: the input of `stages`."""

    kind: StageKind
    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendCall:
    """One call of a method's backend; without a certificate id it presents none."""

    api_id: str
    resource_id: str
    verb: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    certificate_id: str | None = None


class Gateway(Protocol):
    """AWS with one set of credentials; thread-safe.

    Every method that calls AWS raises GatewayError and nothing else. No answer is partial: a list
    is complete, or the method raises.
    """

    def endpoint(self, region: str) -> str | None:
        """Return the host that replaces AWS in a region, once known; None for AWS. Never waits."""

    def account(self, region: str) -> str:
        """Return the account of the credentials, from STS in a region."""

    def regions(self, region: str) -> tuple[str, ...]:
        """Return the partition's regions that the account has enabled, from EC2 in one of them."""

    def certificates(self, region: str) -> Mapping[str, Found | Unanswered]:
        """Return every client certificate of the region by id.

        A certificate that AWS returns without an end is unanswered.
        """

    def acm_certificate(self, region: str, arn: str) -> Found | Gone | Unanswered:
        """Return a certificate of ACM.

        Gone if ACM itself answers that this account and region do not have it.
        """

    def apis(self, region: str, kind: StageKind) -> tuple[Api, ...]:
        """Return every API of a kind in the region.

        HTTP APIs present no certificate and are of neither kind.
        """

    def stages(self, region: str, api: Api) -> tuple[ObservedStage, ...]:
        """Return every stage of an API; raises MissingError if AWS has no such API."""

    def has_stage(self, region: str, api: Api, name: str) -> bool:
        """Return whether an API has a stage of that name, in this account and region."""

    def methods(self, region: str, api_id: str) -> tuple[ApiMethod, ...]:
        """Return every method of a REST API; raises MissingError if AWS has no such API."""

    def stage_variables(self, region: str, api_id: str, name: str) -> Mapping[str, str]:
        """Return the variables of a stage; raises MissingError if AWS has no such stage."""

    def call_backend(self, region: str, call: BackendCall) -> ProbeAnswer:
        """Call a backend through API Gateway, once; raises ThrottledError if AWS did not do it."""


class Gateways(Protocol):
    """The AWS access of a run, with each of its sets of credentials; thread-safe."""

    def of(self, role: Role | None) -> Gateway:
        """Return the gateway of a role, or of the run's own credentials. Calls nothing."""

    def region(self) -> str | None:
        """Return the region to use where no document names one; None if nothing names one.

        Raises GatewayError for broken configuration.
        """

    def traffic(self) -> tuple[Calls, ...]:
        """Return the requests sent so far, including retries."""
