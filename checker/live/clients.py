"""The clients of a run: one a service, region and set of credentials, of one boto3 session, shared by all threads."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from checker.live import session
from checker.live.connection import Connection, Role
from checker.live.gateway import UnreachableError
from checker.live.once import Once
from checker.live.pace import Pace
from checker.live.question import Question
from checker.live.sizes import bound
from checker.live.speaking import preparing
from checker.live.traffic import Traffic

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

    boto3's sessions are not safe to make clients from in several threads, and a session a thread, or a role, is ten times
    slower (`facts/performance.md` 5): so it is one session, under a lock, and roles are keys that its clients are given.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.traffic = Traffic()
        self._lock = Lock()
        self._session: Once[boto3.Session] = Once()
        self._keys: dict[Role, Once[session.Keys]] = {}
        self._made: dict[tuple[Service, str, Role | None], Any] = {}
        self._hosts: dict[str, str] = {}
        self._paces: dict[tuple[str, str, Role | None], Pace] = {}

    def region(self) -> str | None:
        """The region of the command line, else of the environment, else of the profile."""
        return self.connection.region or session.base(self.connection).region_name

    def endpoint(self, region: str) -> str | None:
        """The host that is asked in API Gateway's place, known once a client was made."""
        return self._hosts.get(region)

    def client(self, service: Service, region: str, role: Role | None = None) -> Any:
        """The client of a service in a region, in a role that is assumed once, or with the run's own credentials.

        GatewayError where there are no credentials, the role cannot be assumed, or there is no such region.
        Untyped on purpose: what it answers with is read by `answers`, which trusts none of it.
        """
        made = self._made.get((service, region, role))
        if made is None:
            # Asks STS, perhaps; outside of the lock, so that a role that is not answered for holds up nobody else.
            keys = self._keys_of(role, region)
            with self._lock:
                made = self._made.get((service, region, role))
                if made is None:
                    made = self._made[service, region, role] = self._make(service, region, role, keys)
        return made

    def _keys_of(self, role: Role | None, region: str) -> session.Keys:
        """The credentials of a role, else the run's own: those that sign for the role of the command line, if there is one."""
        own = self.connection.own_role
        if role is None and own is None:
            return {}
        wanted = role or own
        assert wanted is not None  # noqa: S101 -- one of the two is there
        with self._lock:
            keys = self._keys.setdefault(wanted, Once())
        return keys.get(lambda: self._assume(wanted, None if role is None else own, region))

    def _assume(self, wanted: Role, by: Role | None, region: str) -> session.Keys:
        keys = {} if by is None else self._keys_of(None, region)
        with self._lock:
            sts = self._new("sts", region, keys)
        self.traffic.watch(sts, by, region)
        return session.assume(wanted, sts, region)

    def _make(self, service: Service, region: str, role: Role | None, keys: session.Keys) -> Any:
        client = self._new(service, region, keys)
        self.traffic.watch(client, role or self.connection.own_role, region)
        address = urlsplit(client.meta.endpoint_url)
        host = f"{address.hostname}:{address.port}" if address.port else f"{address.hostname}"
        if service in _GATEWAY and not host.endswith(_OF_AWS):
            self._hosts[region] = host
        if service in _GATEWAY:
            self._keep_pace(client, "apigateway", region, role)
        if service == "acm":
            self._keep_pace(client, "acm", region, role)
        return client

    def _new(self, service: Service, region: str, keys: session.Keys) -> Any:
        make: Any = self._session.get(lambda: self._signed_in(region)).client
        question = Question(operation="Preparing to ask", region=region)
        wrong = UnreachableError(
            f"no client could be made for region {region}: the region or AWS_ENDPOINT_URL is not well-formed",
            "correct the region, or the address in AWS_ENDPOINT_URL (https://host:port)",
        )
        with preparing(question, wrong):
            client = make(service, region_name=region, config=self._config(), **keys)
            bound(client)
            # Read here, for an address may turn out not to be one only now.
            _ = urlsplit(client.meta.endpoint_url).port
        return client

    def _signed_in(self, region: str) -> boto3.Session:
        made = session.unsigned(self.connection, region)
        self.traffic.watch_session(made, region)
        session.sign_in(made, region)
        return made

    def _keep_pace(self, client: Any, quota: str, region: str, role: Role | None) -> None:
        """Have every request wait its turn; botocore tells of every attempt here, so retries wait as well."""
        pace = self._paces.setdefault((quota, region, role), Pace())
        client.meta.events.register("before-send", lambda **_: pace.wait())

    def _config(self) -> Config:
        from botocore.config import Config

        timeout = self.connection.timeout
        return Config(
            connect_timeout=min(5.0, timeout / 2),
            read_timeout=min(10.0, timeout / 2),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra="tfcert",
        )
