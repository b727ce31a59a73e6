"""A client certificate as a document records it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from checker.domain.address import Address
from checker.domain.place import Place
from checker.domain.value import value

if TYPE_CHECKING:
    from checker.domain.conditions import Tags


@value
class Certificate:
    """A client certificate that a state or plan knows, or will create.

    `id` is None until it is created. `expires_at` is the recorded end; `dated_by` says what it was read from (the PEM wins
    over the attribute). `pem` is the recorded PEM as `normal_pem` writes it. `deposed` is the key of an object that Terraform
    still has to delete. `tainted` marks one that the next apply replaces. `tags` are sorted; None where no document shows them.
    `managed` says of one that a scan found whether the states that it was given know it; None where that is not known.
    """

    address: Address | None
    id: str | None
    kind: Literal["gateway", "acm"] = "gateway"
    place: Place = Place()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    dated_by: Literal["pem", "attribute"] | None = None
    fingerprint: str | None = None
    pem: str | None = None
    deposed: str | None = None
    managed: bool | None = None
    tainted: bool = False
    tags: Tags | None = None


def kind_of(identity: str) -> Literal["gateway", "acm"]:
    """Tell an ACM certificate's ARN from a client certificate's id, as API Gateway does: by the format (`facts/aws.md` 2)."""
    return "acm" if identity.startswith("arn:") else "gateway"
