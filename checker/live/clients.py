"""The clients of a run: one a service and region, of one boto3 session, shared by all threads."""

from __future__ import annotations

import os
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
from checker.live.speaking import speaking

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

Service = Literal["apigateway", "apigatewayv2", "sts"]

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
        self._paces: dict[str, Pace] = {}
        self._counting = Lock()
        self._calls: Counter[str] = Counter()

    def region(self) -> str | None:
        """The region of the command line, else of the environment, else of the profile."""
        # botocore reads AWS_DEFAULT_REGION alone; Terraform and the other SDKs read AWS_REGION, and before it.
        named = self._connection.region or os.environ.get("AWS_REGION")
        return named or session.base(self._connection).region_name

    def endpoint(self, region: str) -> str | None:
        """The host that is asked in API Gateway's place, once a client was made."""
        return self._hosts.get(region)

    def calls(self) -> Mapping[str, int]:
        """The requests that were sent, by operation."""
        with self._counting:
            return dict(sorted(self._calls.items()))

    def client(self, service: Service, region: str) -> Any:
        """The client of a service in a region; GatewayError where there are no credentials or no such region."""
        with self._lock:
            made = self._made.get((service, region))
            if made is None:
                made = self._made[service, region] = self._make(service, region)
            return made

    def _make(self, service: Service, region: str) -> Any:
        try:
            with speaking(Question(operation="Preparing to ask", region=region)):
                # One attribute for three typed overloads: what the clients answer is read by `answers`, which trusts nothing.
                make: Any = self._signed_in(region).client
                client = make(service, region_name=region, config=self._config())
        except ValueError as error:
            raise self._no_endpoint(region) from error
        client.meta.events.register("before-send", self._send)
        return client
