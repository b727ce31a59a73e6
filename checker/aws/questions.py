"""The questions of a check to AWS, divided by account, and their answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from checker.aws.certificates import acm_place, is_acm_arn
from checker.aws.connection import Connection, Role
from checker.model.observation import (
    CertificateKey,
    Observation,
    ObservedPresence,
    StageKey,
    Survey,
    Unanswered,
)
from checker.model.places import Place
from checker.model.resources import Presents, Stage

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAnswers:
    """Answers of AWS: of one kind of question, of one account, or of all."""

    certificates: Mapping[CertificateKey, Observation] = field(default_factory=dict)
    surveys: Mapping[Place, Survey] = field(default_factory=dict)
    stages: Mapping[StageKey, ObservedPresence] = field(default_factory=dict)
    counts: Mapping[Place, int] = field(default_factory=dict)

    @classmethod
    def merge(cls, parts: Iterable[ObservedAnswers]) -> ObservedAnswers:
        """Join answers; if two parts answer one question, the later part counts."""
        every = tuple(parts)
        return cls(
            certificates=_joined(part.certificates for part in every),
            surveys=_joined(part.surveys for part in every),
            stages=_joined(part.stages for part in every),
            counts=_joined(part.counts for part in every),
        )


def _joined(parts: Iterable[Mapping[K, V]]) -> dict[K, V]:
    return {key: value for part in parts for key, value in part.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """The questions for one set of credentials, each once.

    `certificates` are those of API Gateway, `managed` those of ACM. `surveys` are places to list,
    and `stages` the stages to check for drift.
    """

    certificates: dict[CertificateKey, None] = field(default_factory=dict)
    managed: dict[CertificateKey, None] = field(default_factory=dict)
    surveys: dict[Place, None] = field(default_factory=dict)
    stages: dict[StageKey, None] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        """Return the recorded places, without those of ACM: an ARN includes its place."""
        return [
            *(key.place for key in self.certificates),
            *(key.place for key in self.stages),
            *self.surveys,
        ]

    def divide(self, region: str | None) -> tuple[Questions, Questions]:
        """Return the questions that have a region (their own, or else this one), and the others."""
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
        """Return the same answer to every question."""
        return ObservedAnswers(
            certificates=dict.fromkeys((*self.certificates, *self.managed), why),
            surveys=dict.fromkeys(self.surveys, why),
            stages=dict.fromkeys(self.stages, why),
        )


def split_by_account(
    connection: Connection,
    *,
    certificates: Iterable[CertificateKey],
    surveys: Iterable[Place],
    stages: Iterable[StageKey],
    recorded: Collection[Stage],
) -> Mapping[Role | None, Questions]:
    """Divide the questions by the role for their account.

    Questions whose account no document records use the run's own credentials. `recorded` are
    stages: the account of a stage is also that of the certificate that it presents.
    """
    homes = _homes(recorded)
    divided: dict[Role | None, Questions] = {}

    def of(place: Place) -> Questions:
        return divided.setdefault(connection.role_for(place), Questions())

    for key in certificates:
        if is_acm_arn(key.id):
            of(acm_place(key)).managed[key] = None
        else:
            of(key.place.or_else(homes.get((key.id, key.place.region), Place()))).certificates[
                key
            ] = None
    for place in surveys:
        of(place).surveys[place] = None
    for stage in stages:
        of(stage.place).stages[stage] = None
    return divided


def _homes(recorded: Collection[Stage]) -> dict[tuple[str, str | None], Place]:
    """Return the place of each presented certificate, by its id and region.

    If stages disagree about the account, the place is empty.
    """
    homes: dict[tuple[str, str | None], Place] = {}
    for stage in recorded:
        if isinstance(stage.presents, Presents) and stage.place.account is not None:
            at = (stage.presents.id, stage.place.region)
            known = homes.setdefault(at, stage.place)
            if known.account != stage.place.account:
                homes[at] = Place()
    return homes
