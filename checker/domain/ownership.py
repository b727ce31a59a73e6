"""Which of what AWS has is Terraform's, by the states at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from checker.domain.certificate import Certificate
from checker.domain.inventory import Inventory
from checker.domain.observation import CertificateKey, StageKey
from checker.domain.place import Place
from checker.domain.stage import Stage, StageKind
from checker.domain.subjects import observable, subjects
from checker.domain.value import value

T = TypeVar("T", Certificate, Stage)


@value
class Owner(Generic[T]):
    """What the states say of a thing in AWS: the record of it, and whether it is managed at all."""

    record: T | None
    managed: bool | None


class Ownership:
    """Looks up by their AWS ids what documents record; `places` are those that are scanned.

    Ids are unique in their account and region alone, and a state often does not say in which account it is: where an id may be
    meant in several of the places, nothing is said of it.
    """

    def __init__(self, recorded: Inventory | None, places: Mapping[str, Iterable[Place]]) -> None:
        self._recorded = recorded
        self._places = {identity: tuple(found) for identity, found in places.items()}
        self._certificates: dict[str, list[tuple[Place, Certificate]]] = {}
        self._stages: dict[tuple[StageKind, str, str], list[tuple[Place, Stage]]] = {}
        for document in recorded.documents if recorded is not None else ():
            for subject in subjects(document):
                if subject.key is not None and subject.certificate.address is not None:
                    self._certificates.setdefault(subject.key.id, []).append((subject.key.place, subject.certificate))
            for stage in document.stages:
                key = observable(stage)
                if key is not None and stage.address is not None:
                    self._stages.setdefault((key.kind, key.api_id, key.name), []).append((stage.place, stage))

    def of_certificate(self, key: CertificateKey) -> Owner[Certificate]:
        """The record of a certificate."""
        return self._owner(self._certificates.get(key.id, ()), key.place, key.id)

    def of_stage(self, key: StageKey) -> Owner[Stage]:
        """The record of a stage."""
        return self._owner(self._stages.get((key.kind, key.api_id, key.name), ()), key.place, f"{key.api_id}/{key.name}")

    def _owner(self, records: Iterable[tuple[Place, T]], place: Place, identity: str) -> Owner[T]:
        if self._recorded is None:
            return Owner(record=None, managed=None)
        fitting = [(recorded, record) for recorded, record in records if _fits(recorded, place)]
        if not fitting:
            # A root module that could not be read may well have it.
            return Owner(record=None, managed=None if self._recorded.unread else False)
        certain = [record for recorded, record in fitting if recorded.account is not None and recorded.region is not None]
        if certain:
            return Owner(record=certain[0], managed=True)
        meant = [other for other in self._places.get(identity, ()) if any(_fits(recorded, other) for recorded, _ in fitting)]
        return Owner(record=fitting[0][1], managed=True) if len(meant) < 2 else Owner(record=None, managed=None)


def _fits(recorded: Place, place: Place) -> bool:
    return (recorded.account in {None, place.account} or place.account is None) and recorded.region in {None, place.region}
