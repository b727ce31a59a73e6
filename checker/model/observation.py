"""Answers of AWS, and the reasons for missing ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from checker.model.conditions import Tags
from checker.model.places import Place
from checker.model.resources import StageKind


class AcmRenews(Struct, frozen=True):
    """ACM renews the certificate automatically before its end, and reports no failure."""


class AcmDoesNotRenew(Struct, frozen=True):
    """ACM will not renew the certificate automatically: why, and what to do."""

    reason: str
    remedy: str


Renewal = AcmRenews | AcmDoesNotRenew


class Found(Struct, frozen=True, kw_only=True):
    """AWS has the certificate.

    `expires_at` is its end, `fingerprint` the SHA-256 of its DER in hexadecimal, and `pem` the PEM
    as `normal_pem` writes it. `renewal` is the renewal by ACM; None for a certificate of API
    Gateway, which AWS never renews. `succeeds` is the id of its predecessor, if its description
    names it (`tfcert: succeeds abc123`). `tags` are sorted; None if it has none.
    """

    expires_at: datetime
    created_at: datetime | None = None
    fingerprint: str | None = None
    pem: str | None = None
    renewal: Renewal | None = None
    succeeds: str | None = None
    tags: Tags | None = None


class Gone(Struct, frozen=True):
    """AWS answered, in the right account and region, and does not have the certificate."""


class Unanswered(Struct, frozen=True, kw_only=True):
    """AWS could not be asked, or its answer proves nothing: why, and what to do."""

    reason: str
    remedy: str


Observation = Found | Gone | Unanswered


class CertificateKey(Struct, frozen=True, kw_only=True):
    """The key of a certificate in AWS: the same id may exist in several accounts and regions."""

    id: str
    place: Place


class ObservedStage(Struct, frozen=True, kw_only=True):
    """A stage that AWS has, in Terraform or not, and the certificate id that it presents.

    `tags` are sorted; None if it has none.
    """

    kind: StageKind
    api_id: str
    name: str
    certificate_id: str | None
    api_name: str | None = None
    tags: Tags | None = None

    def __str__(self) -> str:
        return f"{self.api_name or self.api_id}/{self.name}"


class StageKey(Struct, frozen=True, kw_only=True):
    """The key of a stage in AWS, as a document records it."""

    kind: StageKind
    api_id: str
    name: str
    place: Place


ObservedPresence = ObservedStage | Gone | Unanswered


class Surveyed(Struct, frozen=True):
    """All REST and WebSocket stages of one account and region."""

    stages: tuple[ObservedStage, ...]


Survey = Surveyed | Unanswered


class Calls(Struct, frozen=True, kw_only=True):
    """The number of requests of one operation in one account and region.

    `sent` counts all requests, `again` the retries, and `throttled` those that AWS throttled. The
    account is None if it is not known.
    """

    operation: str
    account: str | None
    region: str
    sent: int
    again: int = 0
    throttled: int = 0


class Answers(dict[CertificateKey, Observation]):
    """The answers of AWS about certificates, indexed by id."""

    @cached_property
    def by_id(self) -> Mapping[str, list[tuple[Place, Observation]]]:
        """Return the answers about each id, with the place of each."""
        found: dict[str, list[tuple[Place, Observation]]] = {}
        for key, answer in self.items():
            found.setdefault(key.id, []).append((key.place, answer))
        return found


class Drift(StrEnum):
    """The APIs whose recorded stages AWS is asked for, with the certificate that each presents now.

    `DUE` are those with a stage that presents a certificate within the notice.
    """

    ALL = "all"
    DUE = "due"
    NONE = "none"


class Observations(Struct, frozen=True, kw_only=True):
    """All answers of AWS in a run; `asked` is False when the run was offline.

    `surveys` has an entry for each place whose stages were all requested. `stages` has an entry for
    each recorded stage that was checked for drift. `certificate_counts` is the number of client
    certificates of an account in a region, by place. `traffic` counts all requests so far.
    `notices` are sentences for the user, such as that a recorded region was asked instead of
    `--region`. `interrupted`: the user stopped the run, and the remaining answers are unanswered.
    `not_asked` are the recorded stages that `--drift` left out.
    """

    asked: bool
    certificates: Mapping[CertificateKey, Observation] = MappingProxyType({})
    surveys: Mapping[Place, Survey] = MappingProxyType({})
    stages: Mapping[StageKey, ObservedPresence] = MappingProxyType({})
    certificate_counts: Mapping[Place, int] = MappingProxyType({})
    traffic: tuple[Calls, ...] = ()
    notices: tuple[str, ...] = ()
    interrupted: bool = False
    not_asked: frozenset[StageKey] = frozenset()

    def answer_for(self, identity: str, place: Place) -> Observation | None:
        """Return the answer about a certificate in an account and region; None if there is none.

        An answer about exactly this place counts before one about a place that is known only in
        part.
        """
        answers = (
            self.certificates
            if isinstance(self.certificates, Answers)
            else Answers(self.certificates)
        )
        possible = {
            where: answer
            for where, answer in answers.by_id.get(identity, ())
            if where.may_be(place)
        }
        return possible.get(place) or next(iter(possible.values()), None)

    def lists_stages_of(self, place: Place) -> bool:
        """Return whether every stage of an account and region was listed.

        Only then can tfcert know that no stage presents a certificate.
        """
        return any(
            isinstance(survey, Surveyed)
            and asked.region == place.region
            and asked.account in {None, place.account}
            for asked, survey in self.surveys.items()
        )

    def certificate_count(self, place: Place) -> int | None:
        """Return the number of client certificates of an account in a region.

        None if it is not known, or if several places may be meant.
        """
        counts = [
            count
            for where, count in self.certificate_counts.items()
            if where.region == place.region and where.may_be(place)
        ]
        return counts[0] if len(counts) == 1 else None
