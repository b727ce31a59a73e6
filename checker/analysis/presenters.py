"""The stages that present a certificate now: recorded stages, corrected by what AWS shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec.structs import replace

from checker.analysis.certificate_uses import stage_key
from checker.model.certificate_use import CertificateUse
from checker.model.inventory import Document
from checker.model.observation import Observations, ObservedStage, Surveyed
from checker.model.places import Place
from checker.model.resources import Presents, Stage, StageKind

_Name = tuple[StageKind, str | None, str | None]


class Presenters:
    """The stages that AWS shows for one document, recorded or not.

    Without an answer of AWS the record counts.
    """

    def __init__(self, document: Document, observations: Observations) -> None:
        self._document = document
        self._observations = observations

    def correct(self, subject: CertificateUse) -> CertificateUse:
        """Return the certificate with the stages that present it in AWS.

        A recorded stage is removed only if AWS shows it with another certificate of the same
        document, as after a failed apply. If a user put a certificate from elsewhere on the stage,
        the next apply may undo that, so the record counts.
        """
        identity = subject.certificate.id
        if identity is None or subject.key is None or not (self._shown or self._outside):
            return subject
        kept = tuple(
            stage for stage in subject.presented_by if not self._presents_another(stage, identity)
        )
        there = {_name(stage) for stage in kept}
        found = [
            stage for stage in self._added(identity, subject.key.place) if _name(stage) not in there
        ]
        if len(kept) == len(subject.presented_by) and not found:
            return subject
        return replace(subject, presented_by=kept, shown_by=tuple(found))

    def _added(self, identity: str, place: Place) -> Iterator[Stage]:
        for stage in self._shown.get(identity, ()):
            if stage.place.may_be(place):
                yield stage
        for where, stage in self._outside.get(identity, ()):
            if where.may_be(place):
                yield stage

    def _presents_another(self, stage: Stage, identity: str) -> bool:
        key = stage_key(stage)
        match self._observations.stages.get(key) if key is not None else None:
            case ObservedStage(certificate_id=shown) if shown is not None and shown != identity:
                return shown in self._own
            case _:
                return False

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(
            certificate.id
            for certificate in self._document.certificates
            if certificate.id is not None
        )

    @cached_property
    def _shown(self) -> Mapping[str, list[Stage]]:
        """The document's stages by their certificate in AWS, if it differs from the record."""
        found: dict[str, list[Stage]] = {}
        if not self._observations.stages:
            return found
        for stage in self._document.stages:
            key = stage_key(stage)
            match self._observations.stages.get(key) if key is not None else None:
                case ObservedStage(certificate_id=shown) if shown and stage.presents != Presents(
                    shown
                ):
                    found.setdefault(shown, []).append(replace(stage, presents=Presents(shown)))
                case _:
                    pass
        return found

    @cached_property
    def _outside(self) -> Mapping[str, list[tuple[Place, Stage]]]:
        """The listed stages that the document does not record, by certificate.

        Empty for a scan, whose document has every stage.
        """
        found: dict[str, list[tuple[Place, Stage]]] = {}
        if self._document.source.kind == "aws" or not self._observations.surveys:
            return found
        recorded = {_name(stage) for stage in self._document.stages}
        for place, survey in self._observations.surveys.items():
            for each in survey.stages if isinstance(survey, Surveyed) else ():
                if each.certificate_id and (each.kind, each.api_id, each.name) not in recorded:
                    stage = Stage(
                        address=None,
                        kind=each.kind,
                        api_id=each.api_id,
                        name=each.name,
                        place=place,
                        presents=Presents(each.certificate_id),
                        api_name=each.api_name,
                        tags=each.tags,
                    )
                    found.setdefault(each.certificate_id, []).append((place, stage))
        return found


def _name(stage: Stage) -> _Name:
    return stage.kind, stage.api_id, stage.name
