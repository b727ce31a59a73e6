"""Seeds of the emulator: certificates, those of ACM, APIs and roles, as values for JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

ACCOUNT = "123456789012"
REGION = "us-east-1"

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class SeedCertificate(msgspec.Struct, frozen=True, kw_only=True, tag="certificate"):
    """A certificate to create; it replaces one with the same id.

    If one date is missing, it is 365 days from the other. If both are missing, the certificate
    begins now. If there is no id, the emulator chooses one.
    """

    id: str | None = None
    account: str = ACCOUNT
    region: str = REGION
    created_at: Instant | None = None
    expires_at: Instant | None = None
    description: str | None = None
    tags: dict[str, str] = {}


class SeedMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A method's integration: its type, the URI of the backend, and the id of a VPC link.

    `verb` is the integration's own method; None means the method's. `parameters` are the method's,
    each with whether it is required; `mapped` are those of the integration. `responses` are the
    integration responses by status, each with its pattern; the empty one is for the rest.
    """

    uri: str = ""
    type: str = "HTTP_PROXY"
    verb: str | None = None
    vpc_link: str | None = None
    parameters: dict[str, bool] = {}
    mapped: dict[str, str] = {}
    responses: dict[str, str] = {}


class SeedApi(msgspec.Struct, frozen=True, kw_only=True, tag="api"):
    """An API to create, and its stages by name, each with the certificate id that it presents.

    None is no certificate. Nothing is validated: a stage may present a certificate that does not
    exist. `methods` of a REST API have names such as `GET /health`. `variables` are those of each
    stage.
    """

    id: str
    kind: Literal["rest", "websocket"] = "rest"
    name: str = "api"
    stages: dict[str, str | None] = {}
    methods: dict[str, SeedMethod] = {}
    variables: dict[str, dict[str, str]] = {}
    account: str = ACCOUNT
    region: str = REGION


class SeedAcm(msgspec.Struct, frozen=True, kw_only=True, tag="acm"):
    """A certificate of ACM to create, in the account and region of its ARN.

    It replaces one with the same ARN. DescribeCertificate returns these values in ACM's own words.
    By default it is a certificate of a private CA that ACM renews. `renewal` is the state of a
    renewal, with `renewal_reason` if it failed; None means that no renewal has started.
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
    """A role that may be assumed, with an external id if its trust policy requires one.

    Once a role is seeded, only seeded roles may be assumed; before that, every role may.
    """

    arn: str
    external_id: str | None = None


Seed = SeedCertificate | SeedApi | SeedAcm | SeedRole
