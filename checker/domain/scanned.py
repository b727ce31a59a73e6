"""What a scan found, as documents that are judged like any others: one an account and region."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from checker.domain.certificate import Certificate, kind_of
from checker.domain.conditions import Tags
from checker.domain.inventory import Document, Inventory, Source
from checker.domain.observation import CertificateKey, Found, Observation, Observations, ObservedStage, StageKey, Surveyed
from checker.domain.ownership import Owner, Ownership
from checker.domain.place import Place
from checker.domain.stage import Presents, PresentsNothing, Stage
from checker.domain.sweep import Scanned, Sweep
from checker.domain.value import replace


def documents_of(scanned: Scanned, recorded: Inventory | None, tags: Collection[str] = ()) -> tuple[Inventory, Observations]:
    """A document for each sweep and what AWS said of everything in it; things that `recorded` knows have its addresses.

    Of their tags those are kept that are asked for, by their keys.
    """
    sweeps = scanned.sweeps
    ownership = Ownership(recorded, _places(sweeps))
    owners = [tuple(ownership.of_stage(_key(stage, sweep.place)) for stage in sweep.stages) for sweep in sweeps]
    documents = tuple(_document(sweep, own, ownership, tags) for sweep, own in zip(sweeps, owners, strict=True))
    return Inventory(documents=documents, unread=recorded.unread if recorded is not None else ()), Observations(
        asked=True,
        certificates={key: said for sweep in sweeps for key, said in sweep.certificates.items()},
        surveys={sweep.place: Surveyed(sweep.stages) for sweep in sweeps if sweep.place.region is not None and not sweep.unread},
        held={sweep.place: sweep.held for sweep in sweeps if sweep.held is not None},
        traffic=scanned.traffic,
        notices=(*scanned.notices, *_unseen(documents, recorded), *_moved(sweeps, owners)),
        interrupted=scanned.interrupted,
    )


def source_of(place: Place) -> str:
    """How reports name an account and region that was scanned."""
    return "/".join(["aws:/", place.account or "unknown", *([place.region] if place.region is not None else ())])


def _places(sweeps: tuple[Sweep, ...]) -> dict[str, list[Place]]:
    """In which of the places each id is, of a certificate or of an API and its stage."""
    found: dict[str, list[Place]] = {}
    for sweep in sweeps:
        ids = {*(key.id for key in sweep.certificates), *(f"{stage.api_id}/{stage.name}" for stage in sweep.stages)}
        for identity in ids:
            found.setdefault(identity, []).append(sweep.place)
    return found


def _document(sweep: Sweep, owners: Sequence[Owner[Stage]], ownership: Ownership, tags: Collection[str]) -> Document:
    return Document(
        source=Source(path=source_of(sweep.place), kind="aws"),
        stages=tuple(_stage(stage, sweep.place, owner, tags) for stage, owner in zip(sweep.stages, owners, strict=True)),
        certificates=tuple(_certificate(key, said, ownership, tags) for key, said in sweep.certificates.items()),
        unread=sweep.unread,
        access=sweep.access,
        claimed=frozenset(said for owner in owners if (said := _claimed(owner)) is not None),
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
        tags=_asked(stage.tags, tags),
        managed=owner.managed,
    )


def _claimed(owner: Owner[Stage]) -> str | None:
    """The id that a state says a stage presents; None where no state knows the stage, or the id."""
    match owner.record:
        case Stage(presents=Presents(id=identity)):
            return identity
        case _:
            return None


def _moved(sweeps: Sequence[Sweep], owners: Sequence[Sequence[Owner[Stage]]]) -> Iterator[str]:
    """A sentence for each stage that presents another certificate than its state says."""
    for sweep, own in zip(sweeps, owners, strict=True):
        for stage, owner in zip(sweep.stages, own, strict=True):
            said = _claimed(owner)
            if owner.record is not None and said is not None and said != stage.certificate_id:
                now = stage.certificate_id or "no certificate"
                yield (
                    f"{owner.record.address} presents {now} in AWS, and by its state {said}: somebody changed it outside "
                    f"Terraform, and the next apply moves it back; `tfcert check` of that state says more"
                )


def _certificate(key: CertificateKey, said: Observation, ownership: Ownership, tags: Collection[str]) -> Certificate:
    """What state remembers of it is kept: its end still counts where AWS did not answer."""
    owner = ownership.of_certificate(key)
    shown = _asked(said.tags, tags) if isinstance(said, Found) else None
    if owner.record is None:
        return Certificate(address=None, id=key.id, kind=kind_of(key.id), place=key.place, tags=shown, managed=owner.managed)
    return replace(owner.record, place=key.place, tags=shown or owner.record.tags, managed=True)


def _asked(shown: Tags | None, tags: Collection[str]) -> Tags | None:
    return tuple(pair for pair in shown if pair[0] in tags) if shown is not None and tags else None


def _unseen(documents: tuple[Document, ...], recorded: Inventory | None) -> Iterator[str]:
    """A sentence for each given state of which something was not among what AWS has in the places that were scanned."""
    seen = {address for document in documents for address in _addresses(document)}
    for document in recorded.documents if recorded is not None else ():
        missing = sorted(_addresses(document) - seen)
        if missing:
            shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            yield (
                f"{document.source.path} records {shown}, which the scan did not see: of another account or region, or gone; "
                f"`tfcert check` of that source says which"
            )


def _addresses(document: Document) -> set[str]:
    addresses = {*(stage.address for stage in document.stages), *(each.address for each in document.certificates)}
    return {str(address) for address in addresses if address is not None}
