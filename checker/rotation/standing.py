"""What a rotation's phase is worked out from: one predecessor in one document, with its successor and everybody's state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checker.domain.address import Address
from checker.domain.cases import Case, Cases, DocumentCases
from checker.domain.declared import Declared, DeclaredCertificate
from checker.domain.observation import ObservedStage, Surveyed, Unanswered
from checker.domain.place import Place
from checker.domain.stage import Presents, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A predecessor block, the cases of its instances, its declaration if it still has one, and its declared successor."""

    cases: Cases
    document: DocumentCases
    declared: Declared
    block: Address
    own: tuple[Case, ...]
    declaration: DeclaredCertificate | None
    successor: DeclaredCertificate | None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the predecessor's recorded instances."""
        return tuple(sorted({case.id for case in self.own if case.id is not None}))

    @property
    def presenters(self) -> tuple[Stage, ...]:
        """The recorded stages that present one of its instances."""
        ids = set(self.ids)
        return tuple(
            stage for stage in self.document.document.stages if isinstance(stage.presents, Presents) and stage.presents.id in ids
        )

    @property
    def successor_cases(self) -> tuple[Case, ...]:
        """The recorded instances of the successor."""
        return self.document.of_block(self.successor.block) if self.successor is not None else ()

    def missing_instances(self) -> Iterator[str]:
        """The successor's instances that the predecessor's call for and that are not in state."""
        if self.successor is None:
            return
        there = {(case.address.modules, case.address.key) for case in self.successor_cases if case.address is not None}
        for case in self.own:
            if case.address is not None and (case.address.modules, case.address.key) not in there:
                yield str(Address(self.successor.block.type, self.successor.block.name, case.address.key, case.address.modules))

    def uncovered(self, holder: DeclaredCertificate) -> tuple[Stage, ...]:
        """The presenting stages whose blocks the id of `holder` does not reach in the configuration."""
        return tuple(stage for stage in self.presenters if not _reaches(holder, stage))

    def survey(self) -> Surveyed | Unanswered | None:
        """What AWS said of all stages where the predecessor lives; None when nobody asked."""
        place = self.place
        found = None
        for asked, survey in self.cases.observations.surveys.items():
            if asked.region == place.region and (place.account is None or asked.account in {None, place.account}):
                found = survey
                if isinstance(survey, Unanswered):
                    return survey
        return found

    @property
    def place(self) -> Place:
        """Where the predecessor lives, as far as any of its instances tells."""
        place = Place()
        for case in self.own:
            if case.subject.key is not None:
                place = place.or_else(case.subject.key.place)
        return place

    def still_presenting(self, survey: Surveyed) -> tuple[ObservedStage, ...]:
        """The stages that AWS shows presenting one of the predecessor's instances."""
        ids = set(self.ids)
        return tuple(stage for stage in survey.stages if stage.certificate_id in ids)


def _reaches(holder: DeclaredCertificate, stage: Stage) -> bool:
    if stage.address is None:
        return False
    if stage.address.block in holder.stages:
        return True
    path = stage.address.module_path
    return any(path[: len(opaque)] == opaque for opaque in holder.opaque)
