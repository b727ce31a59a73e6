"""The state of one rotation, the conditions of its phases, and its deadlines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from checker.analysis.succession import Guess, split_name
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases, days_between
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate, DeclaredLiteral
from checker.model.deadlines import Late
from checker.model.observation import ObservedStage, Surveyed, Unanswered
from checker.model.places import Place
from checker.model.resources import Presents, Stage
from checker.model.rotation import (
    Blocked,
    Done,
    Rotation,
    Step,
    Waiting,
)


class ManagedBlock(Struct, frozen=True, kw_only=True):
    """A predecessor that Terraform manages: its block, and the instances that state records.

    `declaration` is None once the block is no longer in the configuration.
    """

    block: Address
    instances: tuple[Case, ...]
    declaration: DeclaredCertificate | None

    @property
    def name(self) -> str:
        """Its name in conditions: the address of the block."""
        return str(self.block)


class LiteralId(Struct, frozen=True, kw_only=True):
    """A predecessor outside Terraform, whose id is a literal in the configuration.

    `literal` is None once the id is no longer in the configuration.
    """

    id: str
    literal: DeclaredLiteral | None

    @property
    def name(self) -> str:
        """Its name in conditions: the id."""
        return self.id


Predecessor = ManagedBlock | LiteralId
P_co = TypeVar("P_co", bound=Predecessor, covariant=True)


class RotationState(Struct, Generic[P_co], frozen=True, kw_only=True):
    """A predecessor and its successor, with what state, configuration and AWS say of them.

    A comment names the successor, or tfcert infers it. `unfit` is the reason why stages should not
    move to it.
    """

    cases: Cases
    document: DocumentCases
    declared: ConfigurationFacts
    predecessor: P_co
    successor: DeclaredCertificate | None
    guess: Guess | None = None
    unfit: str | None = None

    @property
    def instances(self) -> tuple[Case, ...]:
        """The predecessor's instances in state; empty if Terraform does not manage it."""
        match self.predecessor:
            case ManagedBlock(instances=instances):
                return instances
            case LiteralId():
                return ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the predecessor, sorted."""
        match self.predecessor:
            case ManagedBlock(instances=instances):
                return _ids(instances)
            case LiteralId(id=identity):
                return (identity,)

    @property
    def presenters(self) -> tuple[Stage, ...]:
        """The recorded stages that present the predecessor."""
        return self._presenting(self.ids)

    @property
    def successor_presenters(self) -> tuple[Stage, ...]:
        """The recorded stages that present one of the successor's instances."""
        return self._presenting(_ids(self.successor_cases))

    def _presenting(self, ids: tuple[str, ...]) -> tuple[Stage, ...]:
        document = self.document.document
        if len(ids) == 1:
            return document.presenting(ids[0])
        # In the order of the document, whichever instance a stage presents.
        return tuple(
            stage
            for stage in document.stages
            if isinstance(stage.presents, Presents) and stage.presents.id in ids
        )

    @property
    def successor_cases(self) -> tuple[Case, ...]:
        """The recorded instances of the successor."""
        return self.document.of_block(self.successor.block) if self.successor is not None else ()

    def missing_instances(self) -> Iterator[str]:
        """Yield the addresses of the successor's instances that are missing from state.

        The successor needs one instance for each of the predecessor's.
        """
        if self.successor is None:
            return
        existing = {
            case.address.instance for case in self.successor_cases if case.address is not None
        }
        for case in self.instances:
            if case.address is not None and case.address.instance not in existing:
                yield str(
                    Address(
                        self.successor.block.type,
                        self.successor.block.name,
                        case.address.key,
                        case.address.modules,
                    )
                )

    def uncovered(
        self, holder: DeclaredCertificate, stages: tuple[Stage, ...] | None = None
    ) -> tuple[Stage, ...]:
        """Return the stages whose blocks do not take their id from `holder`.

        `stages` defaults to the stages that present the predecessor.
        """
        return tuple(
            stage
            for stage in (self.presenters if stages is None else stages)
            if not _gives_id(holder, stage)
        )

    def uncovered_blocks(self, blocks: Collection[Address]) -> tuple[Stage, ...]:
        """Return the stages that present the predecessor and whose block is not in `blocks`."""
        return tuple(
            stage
            for stage in self.presenters
            if stage.address is None or stage.address.block not in blocks
        )

    def survey(self) -> Surveyed | Unanswered | None:
        """Return AWS's list of all stages in the places of the predecessor's instances.

        None if AWS was not asked in one of the places. If one place has no answer, return that
        failure.
        """
        stages: dict[ObservedStage, None] = {}
        for place in self.places:
            answers = [
                survey
                for asked, survey in self.cases.observations.surveys.items()
                if _covers(asked, place)
            ]
            if not answers:
                return None
            for answer in answers:
                if isinstance(answer, Unanswered):
                    return answer
                stages.update(dict.fromkeys(answer.stages))
        return Surveyed(tuple(stages)) if self.places else None

    @property
    def places(self) -> frozenset[Place]:
        """The places of the predecessor's instances, as far as they are known."""
        return frozenset(
            case.subject.key.place for case in self.instances if case.subject.key is not None
        )

    def still_presenting(self, survey: Surveyed) -> tuple[ObservedStage, ...]:
        """Return the stages that present one of the predecessor's instances in AWS."""
        ids = set(self.ids)
        return tuple(stage for stage in survey.stages if stage.certificate_id in ids)


ManagedState = RotationState[ManagedBlock]
LiteralState = RotationState[LiteralId]


def _ids(instances: tuple[Case, ...]) -> tuple[str, ...]:
    return tuple(sorted({case.id for case in instances if case.id is not None}))


def _covers(asked: Place, place: Place) -> bool:
    return asked.region == place.region and (
        place.account is None or asked.account in {None, place.account}
    )


def _gives_id(holder: DeclaredCertificate, stage: Stage) -> bool:
    if stage.address is None:
        return False
    if stage.address.block in holder.stages:
        return True
    path = stage.address.module_path
    return any(path[: len(opaque)] == opaque for opaque in holder.opaque)


def window_end(state: RotationState[Predecessor]) -> datetime | None:
    """Return when the successor's trust window ends.

    None while an instance of the successor is missing or its creation date is unknown.
    """
    created = [case.made_at for case in state.successor_cases]
    dated = [instant for instant in created if instant is not None]
    if not dated or len(dated) < len(created):
        return None
    return state.cases.policy.window_end(max(dated))


def age(state: RotationState[Predecessor]) -> str:
    """Return the age of the successor's youngest instance as text; empty if it is unknown."""
    created = [case.made_at for case in state.successor_cases if case.made_at is not None]
    if not created:
        return ""
    days = max(0, days_between(max(created), state.cases.as_of))
    return f"the successor is {days} day{'s' * (days != 1)} old"


def unseen_presenters(state: ManagedState) -> Step | None:
    """Check that no stage of the account and region presents the predecessor, in Terraform or not.

    None if AWS confirms it; else the step that says what is missing.
    """
    if not state.cases.observations.asked:
        return Waiting(
            "AWS was not asked whether any stage still presents it (--offline)", unverified=True
        )
    match state.survey():
        case None:
            return Waiting(
                "AWS was not asked about the stages of its account and region", unverified=True
            )
        case Unanswered(reason=reason):
            return Waiting(
                f"AWS has not confirmed that no stage presents it: {reason}", unverified=True
            )
        case Surveyed() as survey:
            still = state.still_presenting(survey)
    if not still:
        return None
    known = {(stage.api_id, stage.name) for stage in state.document.document.stages}
    outside = [stage for stage in still if (stage.api_id, stage.name) not in known]
    if not outside:
        names = ", ".join(map(str, still))
        return Waiting(
            f"AWS still shows it presented by {names}, although state records the successor: an "
            "apply failed before it moved the stage, or a user moved it back; apply again"
        )
    names = ", ".join(map(str, outside))
    return Blocked(
        f"stages that this state does not know still present it: {names}",
        "move them to the successor first, in the configuration that owns them or with `aws "
        "apigateway update-stage`",
    )


def successor_name(
    name: str, day: date, in_use: Collection[str] = (), taken: Collection[str] = ()
) -> str:
    """Return `<base>_<yyyymm>` for the day on which introduce is written.

    An earlier suffix of that kind is first removed from the base. It stays where another
    certificate in use has the same base: `client` and `client_two` get a successor each, and so do
    `client` and `client_202511`. A number is added if a certificate that is passed over already has
    the name.
    """
    base, _ = split_name(name)
    shared = base != name and any(
        other != name and split_name(other)[0] == base for other in in_use
    )
    plain = f"{name if shared else base}_{day:%Y%m}"
    numbered = (f"{plain}_{number}" for number in range(2, len(taken) + 3))
    return next((each for each in (plain, *numbered) if each not in taken), plain)


def foreign_rotation(cases: Cases, declared: ConfigurationFacts, case: Case) -> Rotation:
    """Return the blocked rotation of a certificate that this state does not manage.

    Another state or a user made it. The reason names the source of the stages' id; the remedy says
    what to change there.
    """
    stages = ", ".join(stage_addresses(case.subject.presented_by))
    found = [
        declared.stage(stage.address.block)
        for stage in case.subject.presented_by
        if stage.address is not None
    ]
    takes = ", ".join(
        dict.fromkeys(
            f"it comes from {each.takes} ({each.location})" for each in found if each and each.takes
        )
    )
    remedies = "; ".join(dict.fromkeys(each.remedy for each in found if each and each.remedy))
    blocked = Blocked(
        f"certificate {case.id}, presented by {stages}, is not in this state: "
        f"{takes or 'another state or a user created it'}",
        remedies or "rotate it where it is created; then change the reference of the stage here",
    )
    return unwritten_rotation(cases, case, blocked)


def unwritten_rotation(cases: Cases, case: Case, why: Blocked | Waiting) -> Rotation:
    """Return the rotation of one certificate for which no patch is written, with the reason."""
    rotation = Rotation(
        predecessor=case.address.block if case.address is not None else None,
        predecessor_ids=(case.id,) if case.id is not None else (),
        successor=None,
        step=why,
        stages=stage_addresses(case.subject.presented_by),
    )
    return with_deadlines(cases, rotation, (case,))


def with_deadlines(
    cases: Cases, rotation: Rotation, own: tuple[Case, ...], successors: tuple[Case, ...] = ()
) -> Rotation:
    """Return the rotation with its deadlines, and whether it is late.

    The deadlines are those of the instance that ends first.
    """
    ends = [case.expires_at for case in own if case.expires_at is not None]
    if not ends:
        return rotation
    end = min(ends)
    policy = cases.policy
    dates = replace(
        rotation, end=end, introduce_by=policy.introduce_by(end), repoint_by=policy.repoint_by(end)
    )
    return replace(dates, late=_late(cases, dates, end, successors))


def _late(
    cases: Cases, rotation: Rotation, end: datetime, successors: tuple[Case, ...]
) -> Late | None:
    """Return a `Late` if the rotation has no time left for its trust window; else None.

    Only a rotation that still has stages to move can be late.
    """
    if (
        not rotation.stages
        or rotation.successor is None
        or isinstance(rotation.step, Blocked | Done)
    ):
        return None
    created = [case.made_at for case in successors]
    dates = [instant for instant in created if instant is not None]
    began = max(dates) if dates and len(dates) == len(created) else None if created else cases.as_of
    window_ends = cases.policy.window_end(began) if began is not None else None
    if successors and cases.policy.waives_window(each.status for each in rotation.evidence):
        return None
    in_time = end > cases.as_of and window_ends is not None and window_ends <= end
    return None if in_time else Late(ends=end, window_ends=window_ends, introduced=bool(successors))


def stage_addresses(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """Return the addresses of stages, sorted and without duplicates."""
    return tuple(sorted({str(stage.address) for stage in stages if stage.address is not None}))
