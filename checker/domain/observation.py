"""What AWS answered, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from checker.domain.place import Place
from checker.domain.stage import StageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """AWS knows the certificate: its end, and the SHA-256 fingerprint of its PEM in hexadecimal."""

    expires_at: datetime
    created_at: datetime | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """AWS answered, in the right account and region, and does not know the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """AWS could not be asked, or the answer settles nothing: why, and what to do about it."""

    reason: str
    remedy: str


Observation = Found | Gone | Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKey:
    """What names a certificate in AWS: ids may collide across accounts and regions."""

    id: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedStage:
    """A stage that AWS has, in Terraform or not, and the certificate id that it presents."""

    kind: StageKind
    api_id: str
    name: str
    certificate_id: str | None
    api_name: str | None = None

    def __str__(self) -> str:
        return f"{self.api_name or self.api_id}/{self.name}"


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Every REST and WebSocket stage of one account and region."""

    stages: tuple[ObservedStage, ...]


Survey = Surveyed | Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """All that AWS said in a run; `asked` is False when the run was offline.

    `surveys` has an entry for each place of which all stages were asked for. `calls` counts requests by operation;
    `notices` are sentences for the person who ran it, such as that a recorded region was asked instead of `--region`.
    """

    asked: bool
    certificates: Mapping[CertificateKey, Observation] = field(default_factory=dict)
    surveys: Mapping[Place, Survey] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
