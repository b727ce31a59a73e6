"""Read plans: the recorded objects, and the changes of stages, certificates and deployments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import UNSET, Raw
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.inventory import Document, Source
from checker.model.places import Place
from checker.model.plan import CertificateChange, Plan, StageChange, StageClash, UnknownChange
from checker.model.resource_types import ACM_CERTIFICATE, APIS, CERTIFICATES, HOLDERS, STAGES
from checker.model.resources import Presents, PresentsPlanned, Stage
from checker.terraform.certificates import read_acm_certificate, read_certificate
from checker.terraform.changes import (
    Change,
    deferred,
    drift,
    forgotten,
    imports,
    plan_notices,
    read_change,
    unknown_actions,
)
from checker.terraform.completeness import WHOLE, check_changes, check_whole, why_empty
from checker.terraform.decode import JsonPath, members
from checker.terraform.plan_configuration import PlanConfiguration
from checker.terraform.records import Record, shown_records
from checker.terraform.schema import Envelope, ResourceChange
from checker.terraform.stage_writers import (
    deleted_apis,
    deployments,
    stage_clashes,
    unknown_changes,
    unverified_shared,
)
from checker.terraform.stage_writers import notices as writer_notices
from checker.terraform.stages import PRESENTED, can_present, http_apis, read_stage, with_api_name
from checker.terraform.state import RecordedState, hidden_notice, read_records


def read_plan(
    found: Envelope,
    top: Mapping[str, Raw],
    source: Source,
    json_path: JsonPath,
    tags: Collection[str] = (),
) -> Document:
    """Read a plan; `top` has its properties as JSON.

    Raises UnreadableError at a leaf of a relevant object that Terraform does not write, and for a
    plan that is not complete.
    """
    check_changes(found, top.get("resource_changes"), json_path)
    configuration = PlanConfiguration(found, json_path)
    read = (read_change(entry, at) for entry, at in _entries(found, json_path))
    every = [change.placed(configuration.place(change.address)) for change in read]
    changes = [change for change in every if change.type in HOLDERS]
    prior = _prior(found, configuration, json_path)
    check_whole(found, every, prior, configuration, json_path)
    recorded = read_records(_with_changed(prior, every, configuration), tags)
    planned = _Planned(changes, recorded, configuration, tags)
    stages = _presenting_stages(planned, prior, every)
    after = [stage.after for stage in stages if stage.after is not None]
    clashes = tuple(stage_clashes(stages, every, prior, configuration))
    plan = Plan(
        certificates=planned.certificates(stages),
        stages=stages,
        deployments=tuple(deployments(every, prior)),
        errored=found.errored is True,
        complete=None if found.complete is UNSET else found.complete,
        deferred=deferred(found, json_path),
        unknown_changes=(
            *unknown_changes(every),
            *unknown_actions(found, json_path),
            *(clash for clash in clashes if isinstance(clash, UnknownChange)),
            *unverified_shared(recorded.stages, after, changes),
            *_unverified_plan(source, why_empty(found, prior, configuration)),
        ),
        deleted_apis=deleted_apis(every),
        drifted=frozenset(address for address, _ in drift(found, json_path)),
        clashes=tuple(clash for clash in clashes if isinstance(clash, StageClash)),
    )
    return Document(
        source=source,
        stages=recorded.stages,
        certificates=recorded.certificates,
        material=recorded.material,
        plan=plan,
        notices=(
            *plan_notices(found, json_path),
            *imports(changes),
            *forgotten(changes),
            *dict.fromkeys((*recorded.notices, *planned.notices)),
            *writer_notices(prior, every, (*recorded.stages, *after)),
        ),
    )


def _presenting_stages(
    planned: _Planned, prior: Sequence[Record], every: Sequence[Change]
) -> tuple[StageChange, ...]:
    """Return the planned stages, without those of HTTP APIs.

    A stage with both sides unknown is kept: unknown values never count as clean.
    """
    sides = (side for change in every for side in (change.before, change.after))
    http = http_apis([*prior, *(side for side in sides if side is not None)])
    stages = (planned.stage(change) for change in planned.changes if change.type in STAGES)
    return tuple(
        stage
        for stage in stages
        if not stage.sides or any(can_present(side, http) for side in stage.sides)
    )


def _unverified_plan(source: Source, reason: str | None) -> tuple[UnknownChange, ...]:
    """Return the unverified entry of a plan that cannot be judged at all, if it cannot."""
    if reason is None:
        return ()
    return (UnknownChange(message=f"{source.path} {reason}", remedy=WHOLE),)


def _entries(found: Envelope, json_path: JsonPath) -> list[tuple[ResourceChange, JsonPath]]:
    at = json_path.key("resource_changes")
    # Only relevant resources have kept their mode.
    return [
        (entry, at.item(index))
        for index, entry in enumerate(found.resource_changes or ())
        if entry.mode == "managed"
    ]


def _prior(found: Envelope, configuration: PlanConfiguration, json_path: JsonPath) -> list[Record]:
    """Return the records of the prior state."""
    values = found.prior_state.values if found.prior_state is not None else None
    return [
        replace(
            record,
            place=configuration.place(record.address),
            provider=configuration.provider(record.address),
        )
        for record in shown_records(values, json_path.key("prior_state").key("values"))
    ]


def _with_changed(
    prior: Sequence[Record], changes: Sequence[Change], configuration: PlanConfiguration
) -> list[Record]:
    """Return the records of the prior state, and of objects that only the changes show.

    The latter are the objects that the plan imports.
    """
    known = {(record.address, record.deposed) for record in prior}
    before = (
        replace(change.before, provider=configuration.provider(change.address))
        for change in changes
        if change.before is not None
        and (change.type in HOLDERS or change.type in APIS)
        and known.isdisjoint({(change.address, change.deposed), (change.formerly, change.deposed)})
    )
    return [*prior, *before]


class _Planned:
    """The planned changes of one plan, with the data needed to read each."""

    def __init__(
        self,
        changes: Sequence[Change],
        recorded: RecordedState,
        configuration: PlanConfiguration,
        tags: Collection[str],
    ) -> None:
        self.tags = tags
        self.changes = changes
        self.disclosed = recorded.disclosed
        self.api_names = recorded.api_names
        self.addresses = {
            certificate.id: certificate.address
            for certificate in recorded.certificates
            if certificate.id
        }
        self.notices: list[str] = []
        self.candidates = configuration.candidates(
            [change.address for change in changes if _brings_new_id(change)]
        )

    def stage(self, change: Change) -> StageChange:
        before = None if change.before is None else self._side(change.before)
        return StageChange(
            address=change.address,
            action=change.action,
            before=before,
            after=None if change.after is None else self._after(change.after, before),
            changed=change.changed(),
            previous_address=change.previous_address,
            deposed=change.deposed,
            reason=change.reason,
            imported=change.imported,
        )

    def _side(self, record: Record) -> Stage:
        """Return one side of a change.

        An attribute that is missing and not marked as unknown was cut out; it is not null.
        """
        stage = with_api_name(self.api_names, read_stage(record, self.disclosed, self.tags))
        return (
            stage
            if record.awaits(PRESENTED) or _has_certificate_id(record)
            else replace(stage, presents=PresentsPlanned(()))
        )

    def _after(self, record: Record, before: Stage | None) -> Stage:
        stage = self._side(record)
        if before is not None:
            # A replacement too keeps its provider, unless the configuration names another one.
            place = stage.place.or_else(record.limited(before.place))
            stage = replace(stage, place=place)
        if not isinstance(stage.presents, PresentsPlanned):
            nowhere = record.hides_region and self._nowhere(stage)
            return replace(stage, presents=PresentsPlanned(())) if nowhere else stage
        if record.awaits(PRESENTED):
            return replace(stage, presents=self.candidates.of(record.address, self._now(before)))
        if not _has_certificate_id(record):
            return stage
        self.notices.append(hidden_notice(stage))
        return stage

    def _nowhere(self, stage: Stage) -> bool:
        """Return whether a stage presents an id whose region is known only after apply.

        An id means a certificate only within its region. A certificate of this state and an ARN
        have their own region.
        """
        match stage:
            case Stage(presents=Presents(id=identity), place=Place(region=None)):
                return identity not in self.addresses and not identity.startswith("arn:")
            case _:
                return False

    def _now(self, before: Stage | None) -> Address | None:
        """Return the certificate of this state that a stage presents before the plan."""
        match before:
            case Stage(presents=Presents(id=identity)):
                return self.addresses.get(identity)
            case _:
                return None

    def certificates(self, stages: Sequence[StageChange]) -> tuple[CertificateChange, ...]:
        presented = [side.presents for stage in stages for side in stage.sides]
        arns = {one.id for one in presented if isinstance(one, Presents)}
        # Stages share the tuples of candidates, since there may be as many candidates as stages.
        groups = {
            id(one.candidates): one.candidates
            for one in presented
            if isinstance(one, PresentsPlanned)
        }
        named_by_candidates = {
            address
            for group in groups.values()
            for address in group
            if address.type == ACM_CERTIFICATE
        }
        return tuple(
            change
            for change in (
                _certificate(each, self.tags) for each in filter(_is_certificate, self.changes)
            )
            if change.address.type in CERTIFICATES or _is_named(change, arns, named_by_candidates)
        )


def _has_certificate_id(record: Record) -> bool:
    return PRESENTED in members(record.attributes, record.json_path)


def _brings_new_id(change: Change) -> bool:
    if change.after is None:
        return False
    return (change.type in CERTIFICATES and change.after.awaits(_id_of(change.type))) or (
        change.type == ACM_CERTIFICATE and change.after.awaits("arn")
    )


def _id_of(resource_type: str) -> str:
    return "client_certificate_id" if resource_type.startswith("awscc_") else "id"


def _is_certificate(change: Change) -> bool:
    return change.type in CERTIFICATES or change.type == ACM_CERTIFICATE


def _certificate(change: Change, tags: Collection[str]) -> CertificateChange:
    read = read_acm_certificate if change.type == ACM_CERTIFICATE else read_certificate
    before = None if change.before is None else read(change.before, tags)
    after = None if change.after is None else read(change.after, tags)
    if before is not None and after is not None:
        limited = change.after.limited(before.place) if change.after is not None else before.place
        after = replace(after, place=after.place.or_else(limited))
    return CertificateChange(
        address=change.address,
        action=change.action,
        before=before,
        after=after,
        previous_address=change.previous_address,
        deposed=change.deposed,
        reason=change.reason,
        imported=change.imported,
    )


def _is_named(change: CertificateChange, arns: set[str], named_by_candidates: set[Address]) -> bool:
    ids = {
        side.id
        for side in (change.before, change.after)
        if side is not None and side.id is not None
    }
    return change.address in named_by_candidates or not ids.isdisjoint(arns)
