"""Commands of the AWS CLI for a POSIX shell; every name from AWS or from a user is quoted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from msgspec import Struct

from checker.model.places import Access, Place

_SESSION = "tfcert-by-hand"


class Shell(Struct, frozen=True):
    """A word for the shell itself, such as a variable, which is not quoted."""

    text: str


# The shell rejects the line if the variable is empty: an empty id would remove the certificate
# from the stage.
SUCCESSOR = Shell('"${NEW:?}"')
SUCCESSOR_FILE = '"${NEW:?}.pem"'


def aws_command(
    access: Access, place: Place, service: str, operation: str, options: Mapping[str, str | Shell]
) -> str:
    """Return an AWS CLI command for a place.

    It uses the profile, unless the environment has the credentials of a role.
    """
    everywhere: dict[str, str | Shell] = {}
    if access.profile is not None and access.role_arn is None:
        everywhere["profile"] = access.profile
    if place.region is not None:
        everywhere["region"] = place.region
    return " ".join(
        [
            "aws",
            service,
            operation,
            *(_option(*option) for option in (everywhere | dict(options)).items()),
        ]
    )


def assume_role_line(access: Access, place: Place) -> str | None:
    """Return the line that exports the credentials of the role; None if no role was named."""
    if access.role_arn is None:
        return None
    external = {"external-id": access.external_id} if access.external_id is not None else {}
    asked = aws_command(
        Access(profile=access.profile),
        place,
        "sts",
        "assume-role",
        {
            "role-arn": access.role_arn,
            "role-session-name": _SESSION,
            **external,
            "query": "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]",
            "output": "text",
        },
    )
    return (
        "export $(printf 'AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s' "
        f"$({asked}))"
    )


def scan_again(access: Access, place: Place) -> str:
    """Return the scan command that shows again what stages present in a place."""
    named = {"region": place.region, "profile": access.profile, "role-arn": access.role_arn}
    return " ".join(
        ["tfcert scan", *(_option(name, text) for name, text in named.items() if text is not None)]
    )


def safe_name(text: str) -> str:
    """Quote a name for a sentence between the commands.

    Users may paste the sentence with the commands, and some shells then read it too.
    """
    return shlex.quote(text)


def _option(option: str, text: str | Shell) -> str:
    if isinstance(text, Shell):
        return f"--{option} {text.text}"
    joint = "=" if text.startswith("-") else " "
    return f"--{option}{joint}{shlex.quote(text)}"
