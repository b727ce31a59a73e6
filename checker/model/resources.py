"""Certificate, Stage, what a stage presents."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from checker.model.address import Address
from checker.model.places import Place

if TYPE_CHECKING:
    from checker.model.conditions import Tags


class Certificate(Struct, frozen=True, kw_only=True):
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


class StageKind(StrEnum):
    """Which API Gateway keeps the stage: v1 (REST) or v2 (WebSocket)."""

    REST = "rest"
    WEBSOCKET = "websocket"


class PresentsNothing(Struct, frozen=True):
    """The stage presents no certificate: null, the empty string, or no value at all."""


class Presents(Struct, frozen=True):
    """The stage presents the certificate with this id (six letters and digits, or an ACM ARN)."""

    id: str


class PresentsPlanned(Struct, frozen=True):
    """The stage will present a certificate whose id is not known before apply: one of these candidates.

    The candidates are addresses of what the plan creates or replaces; none means that nothing in the plan explains it.
    `elsewhere`: beside them it may be any other, for the id comes out of something that the plan does not explain.
    """

    candidates: tuple[Address, ...]
    elsewhere: bool = False


Presented = PresentsNothing | Presents | PresentsPlanned


class Stage(Struct, frozen=True, kw_only=True):
    """A REST or WebSocket stage of a state, as it is before or after a planned change, or as a scan found it.

    `tags` are sorted, the provider's defaults among them; None where no document shows them. `managed` says of one that a scan
    found whether the states that it was given know it; None where that is not known. `deposed` is the key of an object that
    Terraform still has to delete: until then it is in AWS, and presents what it presents.
    """

    address: Address | None
    kind: StageKind
    api_id: str | None
    name: str | None
    place: Place = Place()
    presents: Presented = PresentsNothing()
    api_name: str | None = None
    managed: bool | None = None
    deposed: str | None = None
    tags: Tags | None = None


# Dates before Unix time are the zero of some library, such as Go's year 1; those of the last centuries leave no room to count
# from. RFC 5280's "no well-defined end", the last second of 9999, is an end that some certificates of a private CA have.
_FIRST_YEAR = 1970
_LAST_BEGINNING = 9000


def possible_end(ends: datetime | None) -> datetime | None:
    """The end, or None where it is a date that only means that there is none."""
    return ends if ends is not None and ends.year >= _FIRST_YEAR else None


def possible_beginning(begins: datetime | None, ends: datetime | None) -> datetime | None:
    """The beginning, or None where it cannot be one, such as after the end."""
    if begins is None or not _FIRST_YEAR <= begins.year < _LAST_BEGINNING:
        return None
    return begins if ends is None or begins <= ends else None
