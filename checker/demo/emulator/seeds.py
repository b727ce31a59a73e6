"""What a seeder asks for: certificates, those of ACM, APIs and roles, as values that JSON can carry."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

ACCOUNT = "123456789012"
REGION = "us-east-1"

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class SeedCertificate(msgspec.Struct, frozen=True, kw_only=True, tag="certificate"):
    """A certificate to put there; one with the same id is replaced.

    Where one of the dates is missing it is 365 days from the other, and where both are, it is made now. An id is chosen
    where none is given.
    """

    id: str | None = None
    account: str = ACCOUNT
    region: str = REGION
    created_at: Instant | None = None
    expires_at: Instant | None = None
    description: str | None = None
    tags: dict[str, str] = {}


class SeedApi(msgspec.Struct, frozen=True, kw_only=True, tag="api"):
    """An API to put there, and by name its stages with the certificate id that each presents, None for none.

    Nothing is checked: a stage may present a certificate that is not there.
    """

    id: str
    kind: Literal["rest", "websocket"] = "rest"
    name: str = "api"
    stages: dict[str, str | None] = {}
    account: str = ACCOUNT
    region: str = REGION


class SeedAcm(msgspec.Struct, frozen=True, kw_only=True, tag="acm"):
    """A certificate of ACM to put there, at the account and region that its ARN names; one with the same ARN is replaced.

    What is set is told by DescribeCertificate in ACM's own words; by default it is one of a private CA that ACM renews.
    `renewal` is the state of a renewal, with `renewal_reason` where it failed; no renewal was begun where it is None.
    """

    arn: str
    expires_at: Instant
    kind: Literal["PRIVATE", "IMPORTED", "AMAZON_ISSUED"] = "PRIVATE"
    status: str = "ISSUED"
    eligible: bool = True
    renewal: Literal["PENDING_AUTO_RENEWAL", "PENDING_VALIDATION", "SUCCESS", "FAILED"] | None = (
        None
    )
    renewal_reason: str | None = None


class SeedRole(msgspec.Struct, frozen=True, kw_only=True, tag="role"):
    """A role that may be assumed, with its external id where its trust policy asks for one.

    Once there is one, no role may be assumed that was not seeded; before that every one may.
    """

    arn: str
    external_id: str | None = None


Seed = SeedCertificate | SeedApi | SeedAcm | SeedRole
