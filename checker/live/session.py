"""The boto3 session of a run: whose credentials, and that there are any."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from checker.live.connection import Connection
from checker.live.credential_failures import GIVE
from checker.live.gateway import CredentialsError, GatewayError
from checker.live.question import Question
from checker.live.speaking import preparing, speaking

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

_SESSION_NAME = "tfcert"


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


def signed_in(connection: Connection, config: Config, region: str, count: Callable[..., None]) -> boto3.Session:
    """The session that AWS is asked with, in the role that the command line names; its credentials were found.

    They are looked for once and here: boto3 would look again for each client, and where there are none each look may wait
    for an instance's metadata service. `count` is told of every request of the session's clients, retries included.
    """
    session = base(connection)
    if session.region_name is None:
        # A role of a profile is assumed by a client that boto3 makes by itself, and that needs some region.
        session = _session(connection, region)
    session.events.register("before-send", count)
    question = Question(operation="Reading the AWS credentials", region=region)
    with preparing(question, CredentialsError("the AWS credentials cannot be read, or their program cannot be run", GIVE)):
        found = session.get_credentials()
    if found is None:
        raise CredentialsError("no AWS credentials were found", GIVE)
    if connection.role_arn is None:
        return session
    taken = _in_role(session, connection.role_arn, config, region)
    taken.events.register("before-send", count)
    return taken


def _in_role(session: boto3.Session, role_arn: str, config: Config, region: str) -> boto3.Session:
    """A session in a role, for an hour: AWS's default, and more than a run takes, so nothing renews it."""
    import boto3

    try:
        with speaking(Question(operation="AssumeRole", region=region)):
            sts = session.client("sts", region_name=region, config=config)
            given = sts.assume_role(RoleArn=role_arn, RoleSessionName=_SESSION_NAME)["Credentials"]
            return boto3.Session(
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"],
                aws_session_token=given["SessionToken"],
            )
    except GatewayError as error:
        why = error.unanswered
        raise type(error)(f"the role {role_arn} could not be assumed: {why.reason}", why.remedy) from error
