"""Who is asked what: the questions of a run, divided by the credentials that can answer them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from checker.domain.observation import CertificateKey, Observation, ObservedPresence, StageKey, Survey, Unanswered
from checker.domain.place import Place
from checker.domain.stage import Presents, Stage
from checker.live.acm import of_acm, place_of
from checker.live.connection import Connection, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAnswers:
    """An answer to each question that was put."""

    certificates: dict[CertificateKey, Observation] = field(default_factory=dict)
    surveys: dict[Place, Survey] = field(default_factory=dict)
    stages: dict[StageKey, ObservedPresence] = field(default_factory=dict)
    held: dict[Place, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What one set of credentials is asked: certificates of API Gateway and of ACM, places to survey, stages; each once."""

    certificates: dict[CertificateKey, None] = field(default_factory=dict)
    managed: dict[CertificateKey, None] = field(default_factory=dict)
    surveys: dict[Place, None] = field(default_factory=dict)
    stages: dict[StageKey, None] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        """Where all of it is recorded; ACM's ARNs tell that anyway."""
        return [*(key.place for key in self.certificates), *(key.place for key in self.stages), *self.surveys]

    def apart(self, region: str | None) -> tuple[Questions, Questions]:
        """What there is a region for, its own or else this one, and what there is none for."""
        if region is not None:
            return self, Questions()
        placed, nowhere = Questions(managed=self.managed), Questions()
        for key in self.certificates:
            (placed if key.place.region else nowhere).certificates[key] = None
        for place in self.surveys:
            (placed if place.region else nowhere).surveys[place] = None
        for stage in self.stages:
            (placed if stage.place.region else nowhere).stages[stage] = None
        return placed, nowhere

    def all_answered(self, why: Unanswered) -> ObservedAnswers:
        """The answers where one thing keeps all of it unknown."""
        return ObservedAnswers(
            certificates=dict.fromkeys((*self.certificates, *self.managed), why),
            surveys=dict.fromkeys(self.surveys, why),
            stages=dict.fromkeys(self.stages, why),
        )


def divide(
    connection: Connection,
    *,
    certificates: Iterable[CertificateKey],
    surveys: Iterable[Place],
    stages: Iterable[StageKey],
    recorded: Collection[Stage],
) -> Mapping[Role | None, Questions]:
    """Divide by the account of each, as far as documents tell; what no document places is for the run's own credentials.

    `recorded` are stages: the account of one that presents a certificate is the certificate's.
    """
    homes = _homes(recorded)
    divided: dict[Role | None, Questions] = {}

    def of(place: Place) -> Questions:
        return divided.setdefault(connection.role_for(place), Questions())

    for key in certificates:
        if of_acm(key.id):
            of(place_of(key)).managed[key] = None
        else:
            of(key.place.or_else(homes.get((key.id, key.place.region), Place()))).certificates[key] = None
    for place in surveys:
        of(place).surveys[place] = None
    for stage in stages:
        of(stage.place).stages[stage] = None
    return divided


def _homes(recorded: Collection[Stage]) -> dict[tuple[str, str | None], Place]:
    """Where each presented certificate lives, by its id and region; of those that stages disagree about, nowhere."""
    homes: dict[tuple[str, str | None], Place] = {}
    for stage in recorded:
        if isinstance(stage.presents, Presents) and stage.place.account is not None:
            at = (stage.presents.id, stage.place.region)
            known = homes.setdefault(at, stage.place)
            if known.account != stage.place.account:
                homes[at] = Place()
    return homes
