"""Boto3 clients, roles, rate limit."""

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


# What CloudTrail shows in the accounts that are entered.
_SESSION_NAME = "tfcert"

# The arguments of `client` that say with whose credentials it asks; none of them means the session's own.
Keys = Mapping[str, str]


def base_session(connection: Connection) -> boto3.Session:
    """The session of the profile or the environment; CredentialsError where the profile or the AWS configuration is broken.

    Its region is that of the command line, of AWS_REGION, of AWS_DEFAULT_REGION or of the profile, in this order: botocore
    itself does not read AWS_REGION, which Terraform and the other SDKs read before the other one.
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
    """The one session that all clients are made of, before its credentials are looked for."""
    session = base_session(connection)
    # A role of a profile is assumed by a client that boto3 makes by itself, and that needs some region.
    return session if session.region_name is not None else _session(connection, region)


def load_credentials(session: boto3.Session, region: str) -> None:
    """Look for the credentials of a session; CredentialsError where there are none.

    They are looked for once and here: boto3 would look again for each client, and where there are none each look may wait
    for an instance's metadata service.
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
    """Let a profile with `mfa_serial` be an error where botocore would read a code from the terminal, in a pipeline for ever."""

    def refuse(_prompt: str) -> str:
        raise CredentialsError(
            "the AWS profile asks for an MFA code (mfa_serial), and tfcert never asks for one",
            "get temporary credentials first (aws sts get-session-token, aws sso login), and give those",
        )

    resolver = session._session.get_component("credential_provider")  # noqa: SLF001 -- boto3 has no other way to it
    for provider in resolver.providers:
        if provider.METHOD == "assume-role":
            provider._prompter = refuse  # noqa: SLF001 -- botocore takes one only where it makes the provider
            _without_stdin_of_profiles(provider._profile_provider_builder)  # noqa: SLF001 -- the same
        elif provider.METHOD == "custom-process":
            provider._popen = _without_stdin  # noqa: SLF001 -- the same


def _without_stdin(command: Sequence[str], **more: Any) -> Popen[bytes]:
    """Start a `credential_process` with nothing on its standard input: it must not read the plan that is piped in, nor ask."""
    import subprocess

    return subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)  # noqa: S603 -- botocore's own call, but for stdin


def _without_stdin_of_profiles(builder: Any) -> None:
    """Let the profiles that a role is assumed from start their `credential_process` in the same way."""
    plain = builder._create_process_provider  # noqa: SLF001 -- botocore makes these providers when a role is assumed

    def made(*given: Any, **named: Any) -> Any:
        provider = plain(*given, **named)
        provider._popen = _without_stdin  # noqa: SLF001 -- the same
        return provider

    builder._create_process_provider = made  # noqa: SLF001 -- the same


def assume_role(role: Role, sts: Any, region: str) -> Keys:
    """Credentials in a role, by a client of STS and for an hour: AWS's default, and more than a run takes, so nothing renews them.

    Raises CredentialsError, naming the role, where it is refused: it would be in every region.
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


class Once(Generic[T]):
    """What is made once, by whichever thread needs it first; the others wait.

    That credentials are accepted nowhere is as final: nothing about it changes within a run. What else goes wrong may go
    well in another region, so the next one tries again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: T | CredentialsError | None = None

    def get(self, make: Callable[[], T]) -> T:
        """What was made, or is made now; raises what `make` raises."""
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
    """A token bucket for one account and region: so many requests a second, after a burst.

    A little under API Gateway's control-plane quota of 10 a second and a burst of 40, which Terraform needs too
    (`facts/performance.md` 5). Threads share it; each waits its own turn, outside the lock.
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
        """Return when the next request may be sent."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
            self._at = now
            # Below zero the bucket has promised tokens that are still to come: this caller's is due that much later.
            due_in = -self._tokens / self._rate
        if due_in > 0:
            self._sleep(due_in)


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
        self._keys: dict[Role, Once[Keys]] = {}
        self._made: dict[tuple[Service, str, Role | None], Any] = {}
        self._hosts: dict[str, str] = {}
        self._paces: dict[tuple[str, str, Role | None], RequestPace] = {}

    def region(self) -> str | None:
        """The region of the command line, else of the environment, else of the profile."""
        return self.connection.region or base_session(self.connection).region_name

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
                    made = self._made[service, region, role] = self._make(
                        service, region, role, keys
                    )
        return made

    def _keys_of(self, role: Role | None, region: str) -> Keys:
        """The credentials of a role, else the run's own: those that sign for the role of the command line, if there is one."""
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

    def _make(self, service: Service, region: str, role: Role | None, keys: Keys) -> Any:
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

    def _new(self, service: Service, region: str, keys: Keys) -> Any:
        make: Any = self._session.get(lambda: self._signed_in(region)).client
        question = Question(operation="Preparing to ask", region=region)
        wrong = UnreachableError(
            f"no client could be made for region {region}: the region or AWS_ENDPOINT_URL is not well-formed",
            "correct the region, or the address in AWS_ENDPOINT_URL (https://host:port)",
        )
        with translate_setup_errors(question, wrong):
            client = make(service, region_name=region, config=self._config(), **keys)
            bound(client)
            # Read here, for an address may turn out not to be one only now.
            _ = urlsplit(client.meta.endpoint_url).port
        return client

    def _signed_in(self, region: str) -> boto3.Session:
        made = core_session(self.connection, region)
        self.traffic.watch_session(made, region)
        load_credentials(made, region)
        return made

    def _keep_pace(self, client: Any, quota: str, region: str, role: Role | None) -> None:
        """Have every request wait its turn; botocore tells of every attempt here, so retries wait as well."""
        pace = self._paces.setdefault((quota, region, role), RequestPace())
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
