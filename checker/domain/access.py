"""With whose credentials a part of AWS was read."""

from __future__ import annotations

from checker.domain.value import value


@value
class Access:
    """A profile, and a role that was assumed from it; what is None is whatever boto3's own chain found in the environment."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
