"""The boto3 session of a run, and the credentials of the roles that are assumed from it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checker.live.connection import Connection, Role
from checker.live.credential_failures import GIVE
from checker.live.gateway import CredentialsError, GatewayError, UnreachableError
from checker.live.question import Question
from checker.live.speaking import preparing, speaking

if TYPE_CHECKING:
    from subprocess import Popen

    import boto3

# What CloudTrail shows in the accounts that are entered.
_SESSION_NAME = "tfcert"

# The arguments of `client` that say with whose credentials it asks; none of them means the session's own.
Keys = Mapping[str, str]


def base(connection: Connection) -> boto3.Session:
    """The session of the profile or the environment; CredentialsError where the profile or the AWS configuration is broken.

    Its region is that of the command line, of AWS_REGION, of AWS_DEFAULT_REGION or of the profile, in this order: botocore
    itself does not read AWS_REGION, which Terraform and the other SDKs read before the other one.
    """
    return _session(connection, connection.region or os.environ.get("AWS_REGION") or None)


def _session(connection: Connection, region: str | None) -> boto3.Session:
    import boto3

    question = Question(operation="Reading the AWS configuration", region=region or "unknown")
    with preparing(question, CredentialsError("the AWS configuration cannot be read", "correct the AWS configuration files")):
        return boto3.Session(profile_name=connection.profile, region_name=region)


def unsigned(connection: Connection, region: str) -> boto3.Session:
    """The one session that all clients are made of, before its credentials are looked for."""
    session = base(connection)
    # A role of a profile is assumed by a client that boto3 makes by itself, and that needs some region.
    return session if session.region_name is not None else _session(connection, region)


def sign_in(session: boto3.Session, region: str) -> None:
    """Look for the credentials of a session; CredentialsError where there are none.

    They are looked for once and here: boto3 would look again for each client, and where there are none each look may wait
    for an instance's metadata service.
    """
    _never_ask(session)
    question = Question(operation="Reading the AWS credentials", region=region)
    with preparing(question, CredentialsError("the AWS credentials cannot be read, or their program cannot be run", GIVE)):
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


def assume(role: Role, sts: Any, region: str) -> Keys:
    """Credentials in a role, by a client of STS and for an hour: AWS's default, and more than a run takes, so nothing renews them.

    Raises CredentialsError, naming the role, where it is refused: it would be in every region.
    """
    asked = {"RoleArn": role.arn, "RoleSessionName": _SESSION_NAME}
    if role.external_id is not None:
        asked["ExternalId"] = role.external_id
    try:
        with speaking(Question(operation="AssumeRole", region=region)):
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
