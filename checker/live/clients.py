"""The clients of a run: one a service and region, of one boto3 session, shared by all threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from checker.live import session
from checker.live.connection import Connection
from checker.live.gateway import CredentialsError, UnreachableError
from checker.live.pace import Pace
from checker.live.question import Question
from checker.live.speaking import preparing

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

Service = Literal["apigateway", "apigatewayv2", "sts", "s3", "acm", "ec2"]
# What shares the quota of the control plane; ACM has one of its own that is as large (10 calls a second, AWS's "Quotas" of
# ACM), and the others have larger ones.
_GATEWAY = frozenset({"apigateway", "apigatewayv2"})

# A throttled try is followed by one that waits up to 1, 2 and then 4 seconds; a dead network costs a tenth of that.
_ATTEMPTS = 4
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


class Clients:
    """Makes clients when they are first needed: importing boto3 and reading its service models takes a fifth of a second.

    boto3's sessions are not safe to make clients from in several threads, and a session a thread is ten times slower
    (`facts/performance.md` 5): so it is one session, under a lock.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._session: boto3.Session | CredentialsError | None = None
        self._made: dict[tuple[Service, str], Any] = {}
        self._hosts: dict[str, str] = {}
        self._counting = Lock()
        self._calls: Counter[str] = Counter()
        self._paces: dict[tuple[str, str], Pace] = {}

    def region(self) -> str | None:
        """The region of the command line, else of the environment, else of the profile."""
        return self._connection.region or session.base(self._connection).region_name

    def endpoint(self, region: str) -> str | None:
        """The host that is asked in API Gateway's place, known once a client was made."""
        return self._hosts.get(region)

    def calls(self) -> Mapping[str, int]:
        """The requests that were sent, by operation."""
        with self._counting:
            return dict(sorted(self._calls.items()))

    def client(self, service: Service, region: str) -> Any:
        """The client of a service in a region; GatewayError where there are no credentials or no such region.

        Untyped on purpose: what it answers with is read by `answers`, which trusts none of it.
        """
        with self._lock:
            made = self._made.get((service, region))
            if made is None:
                made = self._made[service, region] = self._make(service, region)
            return made

    def _make(self, service: Service, region: str) -> Any:
        make: Any = self._signed_in(region).client
        question = Question(operation="Preparing to ask", region=region)
        wrong = UnreachableError(
            f"no client could be made for region {region}: the region or AWS_ENDPOINT_URL is not well-formed",
            "correct the region, or the address in AWS_ENDPOINT_URL (https://host:port)",
        )
        with preparing(question, wrong):
            client = make(service, region_name=region, config=self._config())
            address = urlsplit(client.meta.endpoint_url)
            host = f"{address.hostname}:{address.port}" if address.port else f"{address.hostname}"
        if service in _GATEWAY and not host.endswith(_OF_AWS):
            self._hosts[region] = host
        if service in _GATEWAY:
            self._keep_pace(client, "apigateway", region)
        if service == "acm":
            self._keep_pace(client, "acm", region)
        return client

    def _keep_pace(self, client: Any, quota: str, region: str) -> None:
        """Have every request wait its turn; botocore tells of every attempt here, so retries wait as well."""
        pace = self._paces.setdefault((quota, region), Pace())
        client.meta.events.register("before-send", lambda **_: pace.wait())

    def _count(self, event_name: str, **_: Any) -> None:
        with self._counting:
            self._calls[event_name.rpartition(".")[2]] += 1

    def _signed_in(self, region: str) -> boto3.Session:
        if self._session is None:
            try:
                self._session = session.signed_in(self._connection, self._config(), region, self._count)
            except CredentialsError as error:
                # Nothing changes about these within a run, so no other region looks for them again.
                self._session = error
        if isinstance(self._session, CredentialsError):
            raise self._session
        return self._session

    def _config(self) -> Config:
        from botocore.config import Config

        timeout = self._connection.timeout
        return Config(
            connect_timeout=min(5.0, timeout / 2),
            read_timeout=min(10.0, timeout / 2),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra="tfcert",
        )
