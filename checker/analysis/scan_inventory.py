"""A scan of AWS as documents, with the Terraform address of each resource that state records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from checker.analysis.certificate_uses import certificate_uses, stage_key
from checker.analysis.unmanaged import unmanaged_notices
from checker.model.conditions import Tags
from checker.model.inventory import Document, Inventory, ScanResult, Source, Sweep
from checker.model.observation import (
    CertificateKey,
    Found,
    Observation,
    Observations,
    ObservedStage,
    StageKey,
    Surveyed,
)
from checker.model.places import Place
from checker.model.resources import (
    Certificate,
    Presents,
    PresentsNothing,
    Stage,
    StageKind,
    kind_of,
)

T = TypeVar("T", Certificate, Stage)


class Owner(Struct, Generic[T], frozen=True, kw_only=True):
    """The record of an AWS resource in state, and whether Terraform manages it (None: unknown)."""

    record: T | None
    managed: bool | None


class Ownership:
    """Match AWS resources to the records of state, by id.

    `places` are the scanned places of each id. An id is unique only within its account and region,
    and a state often does not name the account. If an id may mean a resource in several places, its
    owner is unknown.
    """

    def __init__(self, recorded: Inventory | None, places: Mapping[str, Iterable[Place]]) -> None:
        self._recorded = recorded
        self._places = {identity: tuple(found) for identity, found in places.items()}
        self._certificates: dict[str, list[tuple[Place, Certificate]]] = {}
        self._stages: dict[tuple[StageKind, str, str], list[tuple[Place, Stage]]] = {}
        for document in recorded.documents if recorded is not None else ():
            for subject in certificate_uses(document):
                if subject.key is not None and subject.certificate.address is not None:
                    self._certificates.setdefault(subject.key.id, []).append(
                        (subject.key.place, subject.certificate)
                    )
            for stage in document.stages:
                key = stage_key(stage)
                if key is not None and stage.address is not None:
                    self._stages.setdefault((key.kind, key.api_id, key.name), []).append(
                        (stage.place, stage)
                    )

    def of_certificate(self, key: CertificateKey) -> Owner[Certificate]:
        """Return the owner of a certificate."""
        return self._owner(self._certificates.get(key.id, ()), key.place, key.id)

    def of_stage(self, key: StageKey) -> Owner[Stage]:
        """Return the owner of a stage."""
        return self._owner(
            self._stages.get((key.kind, key.api_id, key.name), ()),
            key.place,
            f"{key.api_id}/{key.name}",
        )

    def _owner(self, records: Iterable[tuple[Place, T]], place: Place, identity: str) -> Owner[T]:
        if self._recorded is None:
            return Owner(record=None, managed=None)
        fitting = [(recorded, record) for recorded, record in records if _may_be(recorded, place)]
        if not fitting:
            # A root module that could not be read may manage it.
            return Owner(record=None, managed=None if self._recorded.unread else False)
        certain = [
            record
            for recorded, record in fitting
            if recorded.account is not None and recorded.region is not None
        ]
        if certain:
            return Owner(record=certain[0], managed=True)
        meant = [
            other
            for other in self._places.get(identity, ())
            if any(_may_be(recorded, other) for recorded, _ in fitting)
        ]
        return (
            Owner(record=fitting[0][1], managed=True)
            if len(meant) < 2
            else Owner(record=None, managed=None)
        )


def _may_be(recorded: Place, place: Place) -> bool:
    return (
        recorded.account in {None, place.account} or place.account is None
    ) and recorded.region in {None, place.region}


def scan_to_inventory(
    scanned: ScanResult, recorded: Inventory | None, tags: Collection[str] = ()
) -> tuple[Inventory, Observations]:
    """Return one document for each sweep, and the answers of AWS about everything in it.

    Resources that `recorded` knows get their addresses. Of their tags, only those whose keys are in
    `tags` are kept.
    """
    sweeps = scanned.sweeps
    ownership = Ownership(recorded, _places(sweeps))
    owners = [
        tuple(ownership.of_stage(_key(stage, sweep.place)) for stage in sweep.stages)
        for sweep in sweeps
    ]
    documents = tuple(
        _document(sweep, own, ownership, tags) for sweep, own in zip(sweeps, owners, strict=True)
    )
    return Inventory(
        documents=documents,
        unread=recorded.unread if recorded is not None else (),
        notices=recorded.notices if recorded is not None else (),
    ), Observations(
        asked=True,
        certificates={
            key: answer for sweep in sweeps for key, answer in sweep.certificates.items()
        },
        surveys={
            sweep.place: Surveyed(sweep.stages)
            for sweep in sweeps
            if sweep.place.region is not None and not sweep.unread
        },
        certificate_counts={
            sweep.place: sweep.certificate_count
            for sweep in sweeps
            if sweep.certificate_count is not None
        },
        traffic=scanned.traffic,
        notices=(
            *scanned.notices,
            *_missing_notices(documents, recorded),
            *_drift_notices(sweeps, owners),
            *(
                unmanaged_notices(sweeps, documents)
                if recorded is not None and recorded.organisation
                else ()
            ),
        ),
        interrupted=scanned.interrupted,
    )


def scan_source(place: Place) -> str:
    """Return the name of a scanned account and region in reports."""
    return "/".join(
        ["aws:/", place.account or "unknown", *([place.region] if place.region is not None else ())]
    )


def _places(sweeps: tuple[Sweep, ...]) -> dict[str, list[Place]]:
    """Return the places of each id; an id is that of a certificate, or an API and its stage."""
    found: dict[str, list[Place]] = {}
    for sweep in sweeps:
        ids = {
            *(key.id for key in sweep.certificates),
            *(f"{stage.api_id}/{stage.name}" for stage in sweep.stages),
        }
        for identity in ids:
            found.setdefault(identity, []).append(sweep.place)
    return found


def _document(
    sweep: Sweep, owners: Sequence[Owner[Stage]], ownership: Ownership, tags: Collection[str]
) -> Document:
    return Document(
        source=Source(path=scan_source(sweep.place), kind="aws"),
        stages=tuple(
            _stage(stage, sweep.place, owner, tags)
            for stage, owner in zip(sweep.stages, owners, strict=True)
        ),
        certificates=tuple(
            _certificate(key, answer, ownership, tags) for key, answer in sweep.certificates.items()
        ),
        unread=sweep.unread,
        access=sweep.access,
        claimed=frozenset(
            identity for owner in owners if (identity := _recorded_id(owner)) is not None
        ),
    )


def _key(stage: ObservedStage, place: Place) -> StageKey:
    return StageKey(kind=stage.kind, api_id=stage.api_id, name=stage.name, place=place)


def _stage(stage: ObservedStage, place: Place, owner: Owner[Stage], tags: Collection[str]) -> Stage:
    return Stage(
        address=owner.record.address if owner.record is not None else None,
        kind=stage.kind,
        api_id=stage.api_id,
        name=stage.name,
        place=place,
        presents=Presents(stage.certificate_id) if stage.certificate_id else PresentsNothing(),
        api_name=stage.api_name,
        tags=_wanted_tags(stage.tags, tags),
        managed=owner.managed,
    )


def _recorded_id(owner: Owner[Stage]) -> str | None:
    """Return the certificate id that state records for a stage; None if it is unknown."""
    match owner.record:
        case Stage(presents=Presents(id=identity)):
            return identity
        case _:
            return None


def _drift_notices(
    sweeps: Sequence[Sweep], owners: Sequence[Sequence[Owner[Stage]]]
) -> Iterator[str]:
    """Yield a sentence for each stage whose certificate in AWS differs from its state."""
    for sweep, own in zip(sweeps, owners, strict=True):
        for stage, owner in zip(sweep.stages, own, strict=True):
            recorded = _recorded_id(owner)
            if (
                owner.record is not None
                and recorded is not None
                and recorded != stage.certificate_id
            ):
                now = stage.certificate_id or "no certificate"
                yield (
                    f"{owner.record.address} presents {now} in AWS, and by its state {recorded}: "
                    "somebody changed it outside Terraform, and the next apply moves it back; "
                    "`tfcert check` of that state says more"
                )


def _certificate(
    key: CertificateKey, answer: Observation, ownership: Ownership, tags: Collection[str]
) -> Certificate:
    """Return a scanned certificate with what state records of it.

    The recorded end still counts if AWS did not answer.
    """
    owner = ownership.of_certificate(key)
    tags_shown = _wanted_tags(answer.tags, tags) if isinstance(answer, Found) else None
    if owner.record is None:
        return Certificate(
            address=None,
            id=key.id,
            kind=kind_of(key.id),
            place=key.place,
            tags=tags_shown,
            managed=owner.managed,
        )
    return replace(
        owner.record, place=key.place, tags=tags_shown or owner.record.tags, managed=True
    )


def _wanted_tags(all_tags: Tags | None, keys: Collection[str]) -> Tags | None:
    if all_tags is None or not keys:
        return None
    return tuple(pair for pair in all_tags if pair[0] in keys)


def _missing_notices(documents: tuple[Document, ...], recorded: Inventory | None) -> Iterator[str]:
    """Yield a sentence for each given state that records resources which the scan did not find."""
    found = {address for document in documents for address in _addresses(document)}
    for document in recorded.documents if recorded is not None else ():
        missing = sorted(_addresses(document) - found)
        if missing:
            names = ", ".join(missing[:3]) + (
                f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            )
            yield (
                f"{document.source.path} records {names}, which the scan did not see: of another "
                "account or region, or gone; `tfcert check` of that source says which"
            )


def _addresses(document: Document) -> set[str]:
    addresses = {
        *(stage.address for stage in document.stages),
        *(each.address for each in document.certificates),
    }
    return {str(address) for address in addresses if address is not None}
