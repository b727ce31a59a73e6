"""What a rotation's phase is worked out from: one predecessor in one document, with its successor and everybody's state."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.address import Address
from checker.domain.case_values import Case, Cases, DocumentCases
from checker.domain.declared import Declared, DeclaredCertificate
from checker.domain.indexed import having
from checker.domain.observation import ObservedStage, Surveyed, Unanswered
from checker.domain.place import Place
from checker.domain.stage import Presents, Stage
from checker.domain.succession import Guess
from checker.domain.value import value


def presented(stage: Stage) -> str | None:
    """The id that a stage presents, by its record."""
    return stage.presents.id if isinstance(stage.presents, Presents) else None


@value
class RotationState:
    """A predecessor block, the cases of its instances, its declaration if it still has one, and its successor.

    The successor is the one that a comment names, else a guess. `unfit` says why stages should not move to it.
    """

    cases: Cases
    document: DocumentCases
    declared: Declared
    block: Address
    own: tuple[Case, ...]
    declaration: DeclaredCertificate | None
    successor: DeclaredCertificate | None
    guess: Guess | None = None
    unfit: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the predecessor's recorded instances."""
        return tuple(sorted({case.id for case in self.own if case.id is not None}))

    @property
    def presenters(self) -> tuple[Stage, ...]:
        """The recorded stages that present one of its instances."""
        return self._presenting(self.own)

    @property
    def successor_presenters(self) -> tuple[Stage, ...]:
        """The recorded stages that present one of the successor's instances."""
        return self._presenting(self.successor_cases)

    def _presenting(self, instances: tuple[Case, ...]) -> tuple[Stage, ...]:
        ids = {case.id for case in instances}
        stages = self.document.document.stages
        if len(ids) == 1:
            # Not every stage is looked at for each of thousands of certificates.
            return having(stages, presented, next(iter(ids)))
        return tuple(stage for stage in stages if isinstance(stage.presents, Presents) and stage.presents.id in ids)

    @property
    def successor_cases(self) -> tuple[Case, ...]:
        """The recorded instances of the successor."""
        return self.document.of_block(self.successor.block) if self.successor is not None else ()

    def missing_instances(self) -> Iterator[str]:
        """The successor's instances that the predecessor's call for and that are not in state."""
        if self.successor is None:
            return
        there = {case.address.instance for case in self.successor_cases if case.address is not None}
        for case in self.own:
            if case.address is not None and case.address.instance not in there:
                yield str(Address(self.successor.block.type, self.successor.block.name, case.address.key, case.address.modules))

    def uncovered(self, holder: DeclaredCertificate, stages: tuple[Stage, ...] | None = None) -> tuple[Stage, ...]:
        """Those of the stages, the predecessor's presenters by default, whose blocks the id of `holder` does not reach."""
        return tuple(stage for stage in (self.presenters if stages is None else stages) if not _reaches(holder, stage))

    def survey(self) -> Surveyed | Unanswered | None:
        """What AWS said of all stages wherever an instance of the predecessor lives; None when it was not asked everywhere."""
        seen: dict[ObservedStage, None] = {}
        for place in self.places:
            answers = [survey for asked, survey in self.cases.observations.surveys.items() if _covers(asked, place)]
            if not answers:
                return None
            for answer in answers:
                if isinstance(answer, Unanswered):
                    return answer
                seen.update(dict.fromkeys(answer.stages))
        return Surveyed(tuple(seen)) if self.places else None

    @property
    def places(self) -> frozenset[Place]:
        """Where the predecessor's instances live, as far as each tells."""
        return frozenset(case.subject.key.place for case in self.own if case.subject.key is not None)

    def still_presenting(self, survey: Surveyed) -> tuple[ObservedStage, ...]:
        """The stages that AWS shows presenting one of the predecessor's instances."""
        ids = set(self.ids)
        return tuple(stage for stage in survey.stages if stage.certificate_id in ids)


def _covers(asked: Place, place: Place) -> bool:
    return asked.region == place.region and (place.account is None or asked.account in {None, place.account})


def _reaches(holder: DeclaredCertificate, stage: Stage) -> bool:
    if stage.address is None:
        return False
    if stage.address.block in holder.stages:
        return True
    path = stage.address.module_path
    return any(path[: len(opaque)] == opaque for opaque in holder.opaque)
