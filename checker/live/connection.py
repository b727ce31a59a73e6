"""How AWS is reached: what the command line says about credentials, region and patience."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The credentials to ask with, the region to ask where no document names one, and the seconds to wait.

    What is None is left to boto3's own chain: environment, profile, SSO, web identity, instance. `timeout` bounds all that is
    asked about the certificates of one account and region; see `deadline.Patience` for lists that are long.
    """

    profile: str | None = None
    role_arn: str | None = None
    region: str | None = None
    timeout: float = DEFAULT_TIMEOUT
