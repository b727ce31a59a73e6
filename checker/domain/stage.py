"""A stage, and what it presents to its backend."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from checker.domain.address import Address
from checker.domain.place import Place
from checker.domain.value import short_value, value

if TYPE_CHECKING:
    from checker.domain.conditions import Tags


class StageKind(StrEnum):
    """Which API Gateway keeps the stage: v1 (REST) or v2 (WebSocket)."""

    REST = "rest"
    WEBSOCKET = "websocket"


@short_value
class PresentsNothing:
    """The stage presents no certificate: null, the empty string, or no value at all."""


@short_value
class Presents:
    """The stage presents the certificate with this id (six letters and digits, or an ACM ARN)."""

    id: str


@short_value
class PresentsPlanned:
    """The stage will present a certificate whose id is not known before apply: one of these candidates.

    The candidates are addresses of what the plan creates or replaces; none means that nothing in the plan explains it.
    `elsewhere`: beside them it may be any other, for the id comes out of something that the plan does not explain.
    """

    candidates: tuple[Address, ...]
    elsewhere: bool = False


Presented = PresentsNothing | Presents | PresentsPlanned


@value
class Stage:
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
