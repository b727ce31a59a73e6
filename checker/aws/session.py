"""Clients of boto3: sessions, roles and the request rate."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import urlsplit

from checker.aws.connection import Connection, Role
from checker.aws.errors import GIVE, Question, translate_errors, translate_setup_errors
from checker.aws.gateway import CredentialsError, GatewayError, UnreachableError
from checker.aws.response_size import bound
from checker.aws.traffic import Traffic

if TYPE_CHECKING:
    from subprocess import Popen

    import boto3
    from botocore.config import Config


# CloudTrail shows this name in the accounts whose roles are assumed.
_SESSION_NAME = "tfcert"

# The credential arguments of `client`; empty means the session's own credentials.
Keys = Mapping[str, str]


def base_session(connection: Connection) -> boto3.Session:
    """Return the session of the profile or the environment.

    Raises CredentialsError if the profile or the AWS configuration is broken. Its region comes from
    the command line, AWS_REGION, AWS_DEFAULT_REGION or the profile, in this order. botocore itself
    does not read AWS_REGION; Terraform and the other SDKs read it before AWS_DEFAULT_REGION.
    """
    return _session(connection, connection.region or os.environ.get("AWS_REGION") or None)


def _session(connection: Connection, region: str | None) -> boto3.Session:
    import boto3

    question = Question(operation="Reading the AWS configuration", region=region or "unknown")
    with translate_setup_errors(
        question,
        CredentialsError(
            "the AWS configuration cannot be read", "correct the AWS configuration files"
        ),
    ):
        return boto3.Session(profile_name=connection.profile, region_name=region)


def core_session(connection: Connection, region: str) -> boto3.Session:
    """Return the session of all clients, before its credentials are loaded."""
    session = base_session(connection)
    # boto3's internal client that assumes the role of a profile needs a region.
    return session if session.region_name is not None else _session(connection, region)


def load_credentials(session: boto3.Session, region: str) -> None:
    """Load the credentials of a session; raises CredentialsError if there are none.

    They are loaded once, here. boto3 would look again for each client, and without credentials each
    look may wait for an instance's metadata service.
    """
    _never_ask(session)
    question = Question(operation="Reading the AWS credentials", region=region)
    with translate_setup_errors(
        question,
        CredentialsError(
            "the AWS credentials cannot be read, or their program cannot be run", GIVE
        ),
    ):
        found = session.get_credentials()
    if found is None:
        raise CredentialsError("no AWS credentials were found", GIVE)


def _never_ask(session: boto3.Session) -> None:
    """Make a profile with `mfa_serial` an error.

    botocore would read a code from the terminal, and wait forever in a pipeline.
    """

    def refuse(_prompt: str) -> str:
        raise CredentialsError(
            "the AWS profile asks for an MFA code (mfa_serial), and tfcert never asks for one",
            "get temporary credentials first (aws sts get-session-token, aws sso login), "
            "and give those",
        )

    # boto3 and botocore have no public access to the parts that are replaced here.
    resolver = session._session.get_component("credential_provider")  # noqa: SLF001
    for provider in resolver.providers:
        if provider.METHOD == "assume-role":
            provider._prompter = refuse  # noqa: SLF001
            _without_stdin_of_profiles(provider._profile_provider_builder)  # noqa: SLF001
        elif provider.METHOD == "custom-process":
            provider._popen = _without_stdin  # noqa: SLF001


def _without_stdin(command: Sequence[str], **more: Any) -> Popen[bytes]:
    """Start a `credential_process` without standard input.

    It must not read the plan that is piped in, and must not prompt.
    """
    import subprocess

    # The same call as botocore's, except for stdin.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)  # noqa: S603


def _without_stdin_of_profiles(builder: Any) -> None:
    """Start the `credential_process` of a role's source profiles in the same way."""
    # botocore creates these providers only when a role is assumed.
    plain = builder._create_process_provider  # noqa: SLF001

    def made(*given: Any, **named: Any) -> Any:
        provider = plain(*given, **named)
        provider._popen = _without_stdin  # noqa: SLF001
        return provider

    builder._create_process_provider = made  # noqa: SLF001


def assume_role(role: Role, sts: Any, region: str) -> Keys:
    """Return the credentials of a role for one hour, from a client of STS.

    One hour is AWS's default and longer than a run, so nothing renews them. Raises
    CredentialsError, with the role's ARN, if the role is refused: then it is refused in every
    region.
    """
    asked = {"RoleArn": role.arn, "RoleSessionName": _SESSION_NAME}
    if role.external_id is not None:
        asked["ExternalId"] = role.external_id
    try:
        with translate_errors(Question(operation="AssumeRole", region=region)):
            given = sts.assume_role(**asked)["Credentials"]
            return {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            }
    except GatewayError as error:
        why = error.unanswered
        kind = UnreachableError if isinstance(error, UnreachableError) else CredentialsError
        raise kind(f"the role {role.arn} could not be assumed: {why.reason}", why.remedy) from error


T = TypeVar("T")


# A role is assumed again ten minutes before its hour ends.
_ROLE_KEPT = 50 * 60


class Once(Generic[T]):
    """A value that is created once, by the first thread that needs it; the others wait.

    CredentialsError is final too: within a run, refused credentials stay refused. Other errors are
    not kept, because another region may succeed, so the next thread tries again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: T | CredentialsError | None = None

    def get(self, make: Callable[[], T]) -> T:
        """Return the value, created now if necessary; raises the exceptions of `make`."""
        with self._lock:
            if self._made is None:
                try:
                    self._made = make()
                except CredentialsError as error:
                    self._made = error
            if isinstance(self._made, CredentialsError):
                raise self._made
            return self._made


RATE = 9.0
BURST = 30


class RequestPace:
    """A token bucket for one account and region: a number of requests per second, after a burst.

    The values are a little below API Gateway's control-plane quota of 10 requests per second and a
    burst of 40, which Terraform needs too. Source: API Gateway developer guide, quotas. Threads
    share it; each waits for its turn outside the lock.
    """

    def __init__(
        self,
        *,
        rate: float = RATE,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(burst)
        self._at = clock()
        self._lock = Lock()

    def wait(self) -> None:
        """Wait until the next request may be sent."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
            self._at = now
            # A negative count means promised tokens: this caller waits until its token exists.
            due_in = -self._tokens / self._rate
        if due_in > 0:
            self._sleep(due_in)


Service = Literal[
    "apigateway", "apigatewayv2", "sts", "s3", "acm", "ec2", "elbv2", "ssm", "secretsmanager"
]
# The services that share the control-plane quota. ACM has its own quota of the same size (10 calls
# per second; source: AWS's "Quotas" of ACM), and the others have larger ones.
_GATEWAY = frozenset({"apigateway", "apigatewayv2"})

# Retries after throttling wait up to 1, 2 and then 4 seconds; those after network errors wait a
# tenth of that.
_ATTEMPTS = 4
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


class Clients:
    """The boto3 clients, each created at its first use.

    The import of boto3 and its service models takes 0.2 s. Sessions of boto3 are not thread-safe
    when they create clients, and one session per thread or role is ten times slower. So there is
    one session, under a lock, and each client gets the keys of its role.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.traffic = Traffic()
        self._lock = Lock()
        self._session: Once[boto3.Session] = Once()
        self._keys: dict[Role, Once[Keys]] = {}
        self._assumed: dict[Role, float] = {}
        self._made: dict[tuple[Service, str, Role | None, bool], Any] = {}
        self._hosts: dict[str, str] = {}
        self._paces: dict[tuple[str, str, Role | None], RequestPace] = {}

    def region(self) -> str | None:
        """Return the region of the command line, else of the environment, else of the profile."""
        return self.connection.region or base_session(self.connection).region_name

    def endpoint(self, region: str) -> str | None:
        """Return the host that replaces API Gateway, known once a client exists."""
        return self._hosts.get(region)

    def client(
        self, service: Service, region: str, role: Role | None = None, *, once: bool = False
    ) -> Any:
        """Return the client of a service in a region, with a role or the run's own credentials.

        A client with `once` sends each request at most once, and waits the whole timeout for its
        answer; the pace is that of all clients. A role is assumed once. Raises GatewayError if
        there are no credentials, the role cannot be assumed, or the region does not exist. The
        client is untyped on purpose: `responses` parses its answers and trusts none of them.
        """
        made = self._made.get((service, region, role, once))
        if made is None:
            # May call STS: outside the lock, so that one slow role does not delay the others.
            keys = self._keys_of(role, region)
            with self._lock:
                made = self._made.get((service, region, role, once))
                if made is None:
                    made = self._make(service, region, role, keys, once=once)
                    self._made[service, region, role, once] = made
        return made

    def keys(self, region: str) -> Keys:
        """Return the run's own credentials, for another library.

        Unlike clients, it may outlive the hour of an assumed role, which is then assumed again.
        Raises GatewayError if there are none, or they cannot be renewed.
        """
        own = self.connection.own_role
        if own is not None:
            with self._lock:
                if time.monotonic() - self._assumed.setdefault(own, time.monotonic()) > _ROLE_KEPT:
                    self._assumed[own] = time.monotonic()
                    self._keys[own] = Once()
            return self._keys_of(None, region)
        with self._lock:
            session = self._session.get(lambda: self._signed_in(region))
        question = Question(operation="Reading the AWS credentials", region=region)
        expired = CredentialsError("the AWS credentials expired, and cannot be renewed", GIVE)
        with translate_setup_errors(question, expired):
            found = session.get_credentials()
            frozen = found.get_frozen_credentials() if found is not None else None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise expired
        return {
            "aws_access_key_id": frozen.access_key,
            "aws_secret_access_key": frozen.secret_key,
            **({"aws_session_token": frozen.token} if frozen.token else {}),
        }

    def _keys_of(self, role: Role | None, region: str) -> Keys:
        """Return the credentials of a role, else the run's own.

        With --role-arn, the run's own are the credentials of that role.
        """
        own = self.connection.own_role
        if role is None and own is None:
            return {}
        wanted = role or own
        assert wanted is not None  # noqa: S101 -- one of the two is there
        with self._lock:
            keys = self._keys.setdefault(wanted, Once())
        return keys.get(lambda: self._assume(wanted, None if role is None else own, region))

    def _assume(self, wanted: Role, by: Role | None, region: str) -> Keys:
        keys = {} if by is None else self._keys_of(None, region)
        with self._lock:
            sts = self._new("sts", region, keys)
        self.traffic.watch(sts, by, region)
        return assume_role(wanted, sts, region)

    def _make(
        self, service: Service, region: str, role: Role | None, keys: Keys, *, once: bool
    ) -> Any:
        client = self._new(service, region, keys, once=once)
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

    def _new(self, service: Service, region: str, keys: Keys, *, once: bool = False) -> Any:
        make: Any = self._session.get(lambda: self._signed_in(region)).client
        question = Question(operation="Preparing to ask", region=region)
        wrong = UnreachableError(
            f"no client could be made for region {region}: "
            "the region or AWS_ENDPOINT_URL is not well-formed",
            "correct the region, or the address in AWS_ENDPOINT_URL (https://host:port)",
        )
        with translate_setup_errors(question, wrong):
            client = make(service, region_name=region, config=self._config(once=once), **keys)
            bound(client)
            # Read here, because this detects an invalid port in the address.
            _ = urlsplit(client.meta.endpoint_url).port
        return client

    def _signed_in(self, region: str) -> boto3.Session:
        made = core_session(self.connection, region)
        self.traffic.watch_session(made, region)
        load_credentials(made, region)
        return made

    def _keep_pace(self, client: Any, quota: str, region: str, role: Role | None) -> None:
        """Delay every request to keep the pace.

        botocore sends this event for each attempt, so retries wait too.
        """
        pace = self._paces.setdefault((quota, region, role), RequestPace())
        client.meta.events.register("before-send", lambda **_: pace.wait())

    def _config(self, *, once: bool) -> Config:
        from botocore.config import Config

        timeout = self.connection.timeout
        return Config(
            connect_timeout=min(5.0, timeout / 2),
            read_timeout=timeout if once else min(10.0, timeout / 2),
            retries={"mode": "standard", "total_max_attempts": 1 if once else _ATTEMPTS},
            user_agent_extra="tfcert",
        )
