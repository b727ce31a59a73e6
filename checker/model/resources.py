"""Certificates, stages, and the certificates that stages present."""

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

    `id` is None until it is created. `expires_at` is the recorded end: that of
    the PEM, which wins over the attribute. `pem` is the recorded PEM as `normal_pem` writes it.
    `deposed` is the key of an object that Terraform still has to delete. `tainted` marks a
    certificate that the next `terraform apply` replaces. `tags` are sorted; None if no document
    shows them. `managed` is for a scanned certificate: whether the given states know it, or None if
    that is not known.
    """

    address: Address | None
    id: str | None
    kind: Literal["gateway", "acm"] = "gateway"
    place: Place = Place()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    fingerprint: str | None = None
    pem: str | None = None
    deposed: str | None = None
    managed: bool | None = None
    tainted: bool = False
    tags: Tags | None = None


def kind_of(identity: str) -> Literal["gateway", "acm"]:
    """Return the kind of a certificate id, by its format, as API Gateway does.

    An ACM certificate has an ARN; a client certificate of API Gateway has a short id.
    """
    return "acm" if identity.startswith("arn:") else "gateway"


class StageKind(StrEnum):
    """The API Gateway version of a stage: v1 (REST) or v2 (WebSocket)."""

    REST = "rest"
    WEBSOCKET = "websocket"


class PresentsNothing(Struct, frozen=True):
    """The stage presents no certificate: null, the empty string, or no value."""


class Presents(Struct, frozen=True):
    """The stage presents the certificate with this id (six letters and digits, or an ACM ARN)."""

    id: str


class PresentsPlanned(Struct, frozen=True):
    """The stage will present a certificate whose id is known only after apply.

    It is one of the candidates: addresses that the plan creates or replaces. Without candidates,
    nothing in the plan explains the id. `elsewhere`: the certificate may also be any other, because
    the plan does not explain every source of the id.
    """

    candidates: tuple[Address, ...]
    elsewhere: bool = False


Presented = PresentsNothing | Presents | PresentsPlanned


class Stage(Struct, frozen=True, kw_only=True):
    """A REST or WebSocket stage of a state, a scan, or one side of a planned change.

    `tags` are sorted and include the provider's default tags; None if no document shows them.
    `managed` is for a scanned stage: whether the given states know it, or None if that is not
    known. `deposed` is the key of an object that Terraform still has to delete: until then it
    exists in AWS and presents its certificate.
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

    @property
    def label(self) -> str:
        """Return its name in reports: its address, or else its API and name."""
        return str(self.address) if self.address is not None else f"{self.api_id}/{self.name}"


# A date before 1970 is the zero value of some library, such as Go's year 1. A beginning after 9000
# leaves no room to add days. An end may be the last second of 9999: RFC 5280's "no well-defined
# expiration date", which some certificates of a private CA have.
_FIRST_YEAR = 1970
_LAST_BEGINNING = 9000


def possible_end(ends: datetime | None) -> datetime | None:
    """Return the end; None for a date before 1970, which is a library's zero value."""
    return ends if ends is not None and ends.year >= _FIRST_YEAR else None


def possible_beginning(begins: datetime | None, ends: datetime | None) -> datetime | None:
    """Return the beginning, or None if the date is impossible, such as after the end."""
    if begins is None or not _FIRST_YEAR <= begins.year < _LAST_BEGINNING:
        return None
    return begins if ends is None or begins <= ends else None
