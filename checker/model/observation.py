"""What AWS answered, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from checker.model.conditions import Tags
from checker.model.places import Place
from checker.model.resources import StageKind


class AcmRenews(Struct, frozen=True):
    """ACM renews the certificate by itself before its end, and nothing says that this failed."""


class AcmDoesNotRenew(Struct, frozen=True):
    """ACM will not renew the certificate by itself: why, and what a person does about it."""

    reason: str
    remedy: str


Renewal = AcmRenews | AcmDoesNotRenew


class Found(Struct, frozen=True, kw_only=True):
    """AWS knows the certificate: its end, the SHA-256 of its PEM in hexadecimal, and the PEM as `normal_pem` writes it.

    `renewal` is what ACM says of it; None for a certificate of API Gateway, which nobody ever renews. `succeeds` is the id of the
    certificate that it was made to succeed, where its description says so (`tfcert: succeeds abc123`). `tags` are sorted, None
    where it has none.
    """

    expires_at: datetime
    created_at: datetime | None = None
    fingerprint: str | None = None
    pem: str | None = None
    renewal: Renewal | None = None
    succeeds: str | None = None
    tags: Tags | None = None


class Gone(Struct, frozen=True):
    """AWS answered, in the right account and region, and does not know the certificate."""


class Unanswered(Struct, frozen=True, kw_only=True):
    """AWS could not be asked, or the answer settles nothing: why, and what to do about it."""

    reason: str
    remedy: str


Observation = Found | Gone | Unanswered


class CertificateKey(Struct, frozen=True, kw_only=True):
    """What names a certificate in AWS: ids may collide across accounts and regions."""

    id: str
    place: Place


class ObservedStage(Struct, frozen=True, kw_only=True):
    """A stage that AWS has, in Terraform or not, and the certificate id that it presents; `tags` are sorted, None for none."""

    kind: StageKind
    api_id: str
    name: str
    certificate_id: str | None
    api_name: str | None = None
    tags: Tags | None = None

    def __str__(self) -> str:
        return f"{self.api_name or self.api_id}/{self.name}"


class StageKey(Struct, frozen=True, kw_only=True):
    """What names a stage in AWS, as a document records it."""

    kind: StageKind
    api_id: str
    name: str
    place: Place


ObservedPresence = ObservedStage | Gone | Unanswered


class Surveyed(Struct, frozen=True):
    """Every REST and WebSocket stage of one account and region."""

    stages: tuple[ObservedStage, ...]


Survey = Surveyed | Unanswered


class Calls(Struct, frozen=True, kw_only=True):
    """How often an operation was asked in one account and region: requests sent, how many of them again, how many throttled.

    The account is None where nobody said whose the credentials were.
    """

    operation: str
    account: str | None
    region: str
    sent: int
    again: int = 0
    throttled: int = 0


class Answers(dict[CertificateKey, Observation]):
    """What AWS said of certificates; all that it said of one id, wherever, is found without looking through the rest."""

    @cached_property
    def by_id(self) -> Mapping[str, list[tuple[Place, Observation]]]:
        """The answers about each id, with the place of each."""
        found: dict[str, list[tuple[Place, Observation]]] = {}
        for key, answer in self.items():
            found.setdefault(key.id, []).append((key.place, answer))
        return found


class Observations(Struct, frozen=True, kw_only=True):
    """All that AWS said in a run; `asked` is False when the run was offline.

    `surveys` has an entry for each place of which all stages were asked for, `stages` one for each recorded stage
    of which it was asked what it presents now; none where nobody looked for drift. `held` is how many client
    certificates an account has in a region, by place. `traffic` is every request that was sent so far;
    `notices` are sentences for the person who ran it, such as that a recorded region was asked instead of `--region`.
    `interrupted`: a person did not wait for the rest, which is unanswered.
    """

    asked: bool
    certificates: Mapping[CertificateKey, Observation] = MappingProxyType({})
    surveys: Mapping[Place, Survey] = MappingProxyType({})
    stages: Mapping[StageKey, ObservedPresence] = MappingProxyType({})
    held: Mapping[Place, int] = MappingProxyType({})
    traffic: tuple[Calls, ...] = ()
    notices: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def calls(self) -> Mapping[str, int]:
        """How many requests were sent, by operation."""
        counted: dict[str, int] = {}
        for entry in self.traffic:
            counted[entry.operation] = counted.get(entry.operation, 0) + entry.sent
        return counted

    def said_of(self, identity: str, place: Place) -> Observation | None:
        """What AWS said of a certificate in an account and region, whichever document asked; None where nobody did.

        An answer about the very place counts before one about a place that a document knows only in part.
        """
        answers = (
            self.certificates
            if isinstance(self.certificates, Answers)
            else Answers(self.certificates)
        )
        said = {
            where: answer
            for where, answer in answers.by_id.get(identity, ())
            if where.may_be(place)
        }
        return said.get(place) or next(iter(said.values()), None)

    def lists_stages_of(self, place: Place) -> bool:
        """Whether every stage of an account and region was listed: only then it is known that none presents a certificate."""
        return any(
            isinstance(survey, Surveyed)
            and asked.region == place.region
            and asked.account in {None, place.account}
            for asked, survey in self.surveys.items()
        )

    def held_at(self, place: Place) -> int | None:
        """How many client certificates an account has in a region; None where nobody said, or it is not clear of which."""
        counts = [
            count
            for where, count in self.held.items()
            if where.region == place.region and where.may_be(place)
        ]
        return counts[0] if len(counts) == 1 else None
