"""The state of one rotation, the conditions of its phases, and its deadlines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from checker.analysis.succession import Guess, split_name
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases, Evidence, days_between
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.deadlines import Late
from checker.model.observation import ObservedStage, Surveyed, Unanswered
from checker.model.places import Place
from checker.model.resources import Presents, Stage
from checker.model.rotation import (
    Blocked,
    Condition,
    ConditionStatus,
    Done,
    Phase,
    Rotation,
    Step,
    Waiting,
)


class RotationState(Struct, frozen=True, kw_only=True):
    """A predecessor block, its instances, its declaration if it still has one, and its successor.

    A comment names the successor; else it is a guess. `unfit` is the reason why stages should not
    move to it.
    """

    cases: Cases
    document: DocumentCases
    declared: ConfigurationFacts
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
        """The recorded stages that present one of the predecessor's instances."""
        return self._presenting(self.own)

    @property
    def successor_presenters(self) -> tuple[Stage, ...]:
        """The recorded stages that present one of the successor's instances."""
        return self._presenting(self.successor_cases)

    def _presenting(self, instances: tuple[Case, ...]) -> tuple[Stage, ...]:
        ids = {case.id for case in instances}
        document = self.document.document
        if len(ids) == 1:
            return document.presenting(next(iter(ids)) or "")
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
        there = {case.address.instance for case in self.successor_cases if case.address is not None}
        for case in self.own:
            if case.address is not None and case.address.instance not in there:
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
            if not _reaches(holder, stage)
        )

    def survey(self) -> Surveyed | Unanswered | None:
        """Return AWS's list of all stages in the places of the predecessor's instances.

        None if AWS was not asked in one of the places. If one place has no answer, return that
        failure.
        """
        seen: dict[ObservedStage, None] = {}
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
                seen.update(dict.fromkeys(answer.stages))
        return Surveyed(tuple(seen)) if self.places else None

    @property
    def places(self) -> frozenset[Place]:
        """The places of the predecessor's instances, as far as they are known."""
        return frozenset(
            case.subject.key.place for case in self.own if case.subject.key is not None
        )

    def still_presenting(self, survey: Surveyed) -> tuple[ObservedStage, ...]:
        """Return the stages that present one of the predecessor's instances in AWS."""
        ids = set(self.ids)
        return tuple(stage for stage in survey.stages if stage.certificate_id in ids)


def _covers(asked: Place, place: Place) -> bool:
    return asked.region == place.region and (
        place.account is None or asked.account in {None, place.account}
    )


def _reaches(holder: DeclaredCertificate, stage: Stage) -> bool:
    if stage.address is None:
        return False
    if stage.address.block in holder.stages:
        return True
    path = stage.address.module_path
    return any(path[: len(opaque)] == opaque for opaque in holder.opaque)


def conditions(standing: RotationState, successor: Address) -> tuple[Condition, ...]:
    """Return the conditions of repoint, retire and rollback; introduce has no conditions."""
    return (*_repoint(standing, successor), *_retire(standing), *_rollback(standing))


def _repoint(standing: RotationState, successor: Address) -> Iterator[Condition]:
    there = standing.successor_cases
    complete = bool(there) and not tuple(standing.missing_instances())
    yield Condition(
        phase=Phase.REPOINT,
        text=f"{successor} is applied and in state",
        holds=ConditionStatus.YES if complete else ConditionStatus.NO,
    )
    yield Condition(phase=Phase.REPOINT, text=f"AWS knows {successor}", holds=_known(there))
    if there:
        yield Condition(
            phase=Phase.REPOINT,
            text=f"{successor} ends later than {standing.block}, and not soon",
            holds=ConditionStatus.NO if standing.unfit is not None else _dated(there),
        )
    window = standing.cases.policy.trust_window_days
    yield Condition(
        phase=Phase.REPOINT,
        text=f"{successor} is at least {window} days old (the trust window)",
        holds=_old_enough(standing, there),
        until=window_end(standing),
        why=age(standing),
    )
    yield Condition(
        phase=Phase.REPOINT,
        text=f"every backend trusts {successor}, beside the old one",
        holds=ConditionStatus.UNKNOWN,
    )


def _known(there: tuple[Case, ...]) -> ConditionStatus:
    if not there or any(case.evidence is Evidence.GONE for case in there):
        return ConditionStatus.NO
    return (
        ConditionStatus.YES
        if all(case.evidence is Evidence.OBSERVED for case in there)
        else ConditionStatus.UNKNOWN
    )


def _dated(there: tuple[Case, ...]) -> ConditionStatus:
    return (
        ConditionStatus.UNKNOWN
        if any(case.expires_at is None for case in there)
        else ConditionStatus.YES
    )


def _old_enough(standing: RotationState, there: tuple[Case, ...]) -> ConditionStatus:
    if not there:
        return ConditionStatus.NO
    ready = window_end(standing)
    if ready is None:
        return ConditionStatus.UNKNOWN
    return ConditionStatus.YES if ready <= standing.cases.as_of else ConditionStatus.NO


def window_end(standing: RotationState) -> datetime | None:
    """Return when the successor's trust window ends.

    None while an instance of the successor is missing or its creation date is unknown.
    """
    made = [case.made_at for case in standing.successor_cases]
    dated = [instant for instant in made if instant is not None]
    if not dated or len(dated) < len(made):
        return None
    return standing.cases.policy.window_end(max(dated))


def age(standing: RotationState) -> str:
    """Return the age of the successor's youngest instance as text; empty if it is unknown."""
    made = [case.made_at for case in standing.successor_cases if case.made_at is not None]
    if not made:
        return ""
    days = max(0, days_between(max(made), standing.cases.as_of))
    return f"the successor is {days} day{'s' * (days != 1)} old"


def _retire(standing: RotationState) -> Iterator[Condition]:
    yield Condition(
        phase=Phase.RETIRE,
        text=f"no stage in state presents {standing.block}",
        holds=ConditionStatus.NO if standing.presenters else ConditionStatus.YES,
    )
    match standing.survey():
        case Surveyed() as survey:
            holds = ConditionStatus.NO if standing.still_presenting(survey) else ConditionStatus.YES
        case Unanswered() | None:
            holds = ConditionStatus.NO if standing.presenters else ConditionStatus.UNKNOWN
    yield Condition(
        phase=Phase.RETIRE,
        text=f"AWS shows no stage of the account and region presenting {standing.block}, in "
        "Terraform or not",
        holds=holds,
    )


def _rollback(standing: RotationState) -> Iterator[Condition]:
    yield Condition(
        phase=Phase.ROLLBACK, text=f"AWS knows {standing.block}", holds=_known(standing.own)
    )
    yield Condition(
        phase=Phase.ROLLBACK, text=f"{standing.block} has not ended", holds=_lives(standing.own)
    )
    yield Condition(
        phase=Phase.ROLLBACK,
        text=f"every backend still trusts {standing.block}",
        holds=ConditionStatus.UNKNOWN,
    )


def _lives(own: tuple[Case, ...]) -> ConditionStatus:
    if not own or any(case.days_left is not None and case.days_left < 0 for case in own):
        return ConditionStatus.NO
    return (
        ConditionStatus.UNKNOWN
        if any(case.days_left is None for case in own)
        else ConditionStatus.YES
    )


def unseen_presenters(standing: RotationState) -> Step | None:
    """Check that no stage of the account and region presents the predecessor, in Terraform or not.

    None if AWS confirms it; else the step that says what is missing.
    """
    if not standing.cases.observations.asked:
        return Waiting(
            "AWS was not asked whether any stage still presents it (--offline)", unverified=True
        )
    match standing.survey():
        case None:
            return Waiting(
                "AWS was not asked about the stages of its account and region", unverified=True
            )
        case Unanswered(reason=reason):
            return Waiting(
                f"AWS has not confirmed that no stage presents it: {reason}", unverified=True
            )
        case Surveyed() as survey:
            still = standing.still_presenting(survey)
    if not still:
        return None
    known = {(stage.api_id, stage.name) for stage in standing.document.document.stages}
    outside = [stage for stage in still if (stage.api_id, stage.name) not in known]
    if not outside:
        names = ", ".join(map(str, still))
        return Waiting(
            f"AWS still shows it presented by {names}, which state says is moved: an apply failed "
            "before it moved the stage, or somebody moved it back; apply again"
        )
    names = ", ".join(map(str, outside))
    return Blocked(
        f"stages that this state does not know still present it: {names}",
        "move them to the successor first, in the configuration that owns them or with `aws "
        "apigateway update-stage`",
    )


def _not_reached(standing: RotationState, uncovered: tuple[object, ...]) -> Blocked:
    stage = uncovered[0]
    address = getattr(stage, "address", None)
    declared = standing.declared.stage(address.block) if isinstance(address, Address) else None
    removal = (
        standing.declared.removal(address.block)
        if declared is None and isinstance(address, Address)
        else None
    )
    if removal is not None and removal.destroys is False:
        return Blocked(
            f"{address} presents it, and a removed block ({removal.location}) takes that stage out "
            "of the state: it stays in AWS",
            "apply the removed block alone, then ask again; the new owner of the stage moves it to "
            "the successor before retire",
        )
    if removal is not None:
        return Blocked(
            f"{address} presents it, and a removed block ({removal.location}) is to destroy that "
            "stage",
            "apply the removed block alone, then ask again",
        )
    if declared is None:
        return Blocked(
            f"{address} presents it, and its block is not in this configuration's files",
            "pass the configuration that declares it with --config, or rotate by hand with the "
            "runbook's steps",
        )
    takes = declared.takes or "nothing that can be followed"
    other = next(
        (each for each in standing.declared.certificates if declared.block in each.stages), None
    )
    if other is not None and other.block != standing.block:
        return Blocked(
            f"{address} presents it, but takes its id from {other.block} ({other.location}), not "
            f"from {standing.block}",
            f"let {address} refer to {standing.block.in_module}.id again; apply {other.block} "
            "alone, have every backend trust it, then move the stage",
        )
    return Blocked(
        f"{address} presents it, but takes its id from {takes} ({declared.location}), not from "
        f"{standing.block}",
        declared.remedy
        or f"make the stage refer to {standing.block}.id, or change where that value comes from by "
        "hand",
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
        f"{takes or 'another state or a person made it'}",
        remedies
        or "rotate it where it is made; here, only the reference of the stage changes, after that",
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
    made = [case.made_at for case in successors]
    dates = [instant for instant in made if instant is not None]
    began = max(dates) if dates and len(dates) == len(made) else None if made else cases.as_of
    window_ends = cases.policy.window_end(began) if began is not None else None
    in_time = end > cases.as_of and window_ends is not None and window_ends <= end
    return None if in_time else Late(ends=end, window_ends=window_ends, introduced=bool(successors))


def stage_addresses(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """Return the addresses of stages, sorted and without duplicates."""
    return tuple(sorted({str(stage.address) for stage in stages if stage.address is not None}))
