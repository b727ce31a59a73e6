"""What can be wrong with credentials before AWS is asked anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from checker.live.gateway import CredentialsError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError

GIVE = (
    "give credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, --profile, a role of the machine), or judge recorded dates: check --offline"
)
_PRINTABLE = re.compile(r"[\w .:@/\\~+-]{1,200}")


def without_credentials(error: BotoCoreError) -> CredentialsError | None:
    """The error to raise where credentials could not be had; None where that is not what went wrong.

    Texts of credential programs and token services are left out: they may hold what they were given.
    """
    from botocore import exceptions as boto

    profile, path, provider = (_named(error, name) for name in ("profile", "path", "provider"))
    meanings: tuple[tuple[tuple[type[BotoCoreError], ...], str, str], ...] = (
        (
            (boto.NoCredentialsError, boto.PartialCredentialsError, boto.NoAuthTokenError),
            "no AWS credentials were found, or only a part of them",
            GIVE,
        ),
        ((boto.ProfileNotFound,), f"the AWS profile {profile} is not configured", "`aws configure list-profiles` lists them"),
        (
            (boto.ConfigParseError, boto.ConfigNotFound),
            f"the AWS configuration file {path} cannot be read",
            "correct the file",
        ),
        (
            (boto.SSOError, boto.TokenRetrievalError, boto.LoginError),
            "the AWS sign-in session is missing or has expired",
            "sign in again: aws sso login, or aws login",
        ),
        (
            (boto.RefreshWithMFAUnsupportedError,),
            "the credentials need an MFA code",
            "get temporary credentials first, and give those",
        ),
        ((boto.CredentialRetrievalError, boto.MetadataRetrievalError), f"no credentials could be had from {provider}", GIVE),
        (
            (boto.InvalidConfigError, boto.UnknownCredentialError, boto.MissingDependencyException),
            f"the AWS configuration is not usable: {in_words(error)}",
            "correct the AWS profile",
        ),
    )
    for kinds, reason, remedy in meanings:
        if isinstance(error, kinds):
            return CredentialsError(reason, remedy)
    return None


def in_words(error: BotoCoreError) -> str:
    """Return the name of an error of the AWS library as words, for its text may hold a secret."""
    name = type(error).__name__.removesuffix("Error").removesuffix("Exception")
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()


def _named(error: BotoCoreError, name: str) -> str:
    value = str(error.kwargs.get(name, "")) if hasattr(error, "kwargs") else ""
    return repr(value) if _PRINTABLE.fullmatch(value) else "that is configured"
