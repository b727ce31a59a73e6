"""The certificates of a document, and the stages that present each, now and after its plan."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.certificate_use import CertificateUse
from checker.model.inventory import Document
from checker.model.observation import CertificateKey, StageKey
from checker.model.resources import Certificate, Presents, PresentsPlanned, Stage, kind_of


def certificate_uses(document: Document) -> tuple[CertificateUse, ...]:
    """Return every certificate of a document.

    The order is: recorded certificates, certificates that only a stage names, certificates that a
    plan creates.
    """
    return (*_known(document), *_created(document))


def stage_key(stage: Stage) -> StageKey | None:
    """Return the key under which AWS knows a stage.

    None if the document leaves out the API or the name of the stage.
    """
    if not stage.api_id or not stage.name:
        return None
    return StageKey(kind=stage.kind, api_id=stage.api_id, name=stage.name, place=stage.place)


def stages_after(document: Document) -> tuple[Stage, ...]:
    """Return the stages as they are after the plan; without a plan, the recorded stages."""
    if document.plan is None:
        return document.stages
    changed = {
        (address, change.deposed)
        for change in document.plan.stages
        for address in (change.address, change.previous_address)
    }
    kept = [stage for stage in document.stages if (stage.address, stage.deposed) not in changed]
    return (*kept, *(change.after for change in document.plan.stages if change.after is not None))


def _known(document: Document) -> Iterator[CertificateUse]:
    now, after = _by_id(document.stages), _by_id(stages_after(document))
    recorded: dict[str, list[Certificate]] = {}
    for certificate in document.certificates:
        if certificate.id is not None:
            recorded.setdefault(certificate.id, []).append(certificate)
    for presenters in (now, after):
        for identity, stages in presenters.items():
            known = recorded.setdefault(identity, [])
            for stage in stages:
                if not any(same_certificate(certificate, stage) for certificate in known):
                    known.append(
                        Certificate(
                            address=None, id=identity, kind=kind_of(identity), place=stage.place
                        )
                    )
    for identity, certificates in recorded.items():
        for certificate in certificates:
            presented_by = tuple(
                stage for stage in now.get(identity, ()) if same_certificate(certificate, stage)
            )
            to_be = tuple(
                stage for stage in after.get(identity, ()) if same_certificate(certificate, stage)
            )
            place = certificate.place
            for stage in (*presented_by, *to_be):
                place = place.or_else(stage.place)
            key = CertificateKey(id=identity, place=place)
            yield CertificateUse(
                certificate=certificate,
                key=key,
                presented_by=presented_by,
                to_be_presented_by=to_be,
            )


def _by_id(stages: tuple[Stage, ...]) -> dict[str, list[Stage]]:
    """Return the stages that present each certificate id.

    With this index, joining stages and certificates takes one pass over each.
    """
    found: dict[str, list[Stage]] = {}
    for stage in stages:
        if isinstance(stage.presents, Presents):
            found.setdefault(stage.presents.id, []).append(stage)
    return found


def _created(document: Document) -> Iterator[CertificateUse]:
    if document.plan is None:
        return
    after = stages_after(document)
    for change in document.plan.certificates:
        if change.action.creates and change.deposed is None:
            certificate = change.after or Certificate(address=change.address, id=None)
            then = tuple(
                stage
                for stage in after
                if isinstance(stage.presents, PresentsPlanned)
                and change.address in stage.presents.candidates
            )
            yield CertificateUse(
                certificate=certificate, key=None, presented_by=(), to_be_presented_by=then
            )


def same_certificate(certificate: Certificate, stage: Stage) -> bool:
    """Return whether the id that both have may mean one certificate.

    Ids may collide across accounts and regions.
    """
    return certificate.place.may_be(stage.place)
