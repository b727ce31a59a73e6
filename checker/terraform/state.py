"""Read the records of a whole state, and infer the accounts of certificates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.places import Place
from checker.model.resource_types import (
    ACM_CERTIFICATE,
    CERTIFICATES,
    HOLDERS,
    MATERIAL,
    STAGES,
)
from checker.model.resources import Certificate, Presents, PresentsPlanned, Stage
from checker.terraform.certificates import read_acm_certificate, read_certificate
from checker.terraform.decode import AGAIN, decode, members, printable
from checker.terraform.records import Record
from checker.terraform.stages import (
    PRESENTED,
    ApiKey,
    api_names,
    can_present,
    http_apis,
    read_stage,
    with_api_name,
)

if TYPE_CHECKING:
    from checker.model.trust import TrustMaterial

_Accounts = dict[str | None, set[str | None]]


def infer_accounts(
    certificates: Sequence[tuple[Record, Certificate]], stages: Sequence[tuple[Record, Stage]]
) -> tuple[Certificate, ...]:
    """Return the certificates, each with the account of its provider configuration if known.

    The account is that of the stages of the same provider configuration. A configuration may have
    no stages, such as an alias only for certificates. Then the account is that of the stages that
    present its certificates, because API Gateway allows a stage only certificates of its own
    account.

    Where the stages do not agree, the account is unknown. An example is `show -json` of a state of
    several accounts, which does not distinguish provider configurations.
    """
    by_stages: _Accounts = {}
    presented: dict[str, set[str | None]] = {}
    for record, stage in stages:
        if record.provider is not None:
            by_stages.setdefault(record.provider, set()).add(stage.place.account)
        if isinstance(stage.presents, Presents):
            presented.setdefault(stage.presents.id, set()).add(stage.place.account)
    by_presenters: _Accounts = {}
    for record, certificate in certificates:
        if record.provider is not None and certificate.id in presented:
            by_presenters.setdefault(record.provider, set()).update(presented[certificate.id])
    accounts = {**by_presenters, **by_stages}
    return tuple(
        _in_account(certificate, accounts.get(record.provider, set()))
        for record, certificate in certificates
    )


def _in_account(certificate: Certificate, accounts: set[str | None]) -> Certificate:
    if len(accounts) != 1 or certificate.place.account is not None:
        return certificate
    return replace(
        certificate, place=certificate.place.or_else(Place(account=next(iter(accounts))))
    )


class RecordedState(Struct, frozen=True, kw_only=True):
    """The stages, certificates and trust material of a state, report sentences, and API names."""

    stages: tuple[Stage, ...]
    certificates: tuple[Certificate, ...]
    notices: tuple[str, ...]
    material: tuple[TrustMaterial, ...] = ()
    api_names: Mapping[ApiKey, str] = MappingProxyType({})

    @property
    def disclosed(self) -> frozenset[str]:
        """Return the ids that certificates show openly.

        A sensitive certificate id of a stage is not secret if it is one of them.
        """
        return frozenset(certificate.id for certificate in self.certificates if certificate.id)


def read_records(records: Sequence[Record], tags: Collection[str] = ()) -> RecordedState:
    """Read the records of one state; an ACM certificate counts only if a stage names its ARN.

    Only the tags in `tags` are kept. The stages of HTTP APIs are left out, because they present no
    certificate. Raises UnreadableError for an object that is recorded twice, and for an object with
    a duplicate property.
    """
    _check_once(records)
    gateway = [
        (record, read_certificate(record, tags))
        for record in records
        if record.type in CERTIFICATES
    ]
    acm = [
        read_acm_certificate(record, tags) for record in records if record.type == ACM_CERTIFICATE
    ]
    read = (*(certificate for _, certificate in gateway), *acm)
    disclosed = {certificate.id for certificate in read if certificate.id}
    names = api_names(records)
    stages = _presenting_stages(records, names, disclosed, tags)
    return RecordedState(
        stages=tuple(stage for _, stage in stages),
        certificates=(*infer_accounts(gateway, stages), *_presented(acm, stages)),
        api_names=names,
        material=tuple(_material(record) for record in records if record.type in MATERIAL),
        notices=tuple(_notices(stages)),
    )


class _Named(Struct, frozen=True, kw_only=True):
    """What names trust material; an attribute of another type than text names nothing."""

    arn: object = None
    bucket: object = None
    key: object = None
    name: object = None
    region: object = None
    secret_id: object = None


def _material(record: Record) -> TrustMaterial:
    """Return what names a resource with trust material; its content is not read."""
    found = decode(record.attributes, _Named, record.json_path)

    def shown(name: str) -> str | None:
        text = getattr(found, name)
        hidden = record.hides(name) or record.awaits(name) or record.deposed is not None
        return text if isinstance(text, str) and text.isprintable() and not hidden else None

    names = [shown(name) for name in MATERIAL[record.type]]
    arn = shown("arn")
    # Imported here: few states have trust material.
    from checker.model.trust import TrustMaterial, without_pem

    return TrustMaterial(
        address=without_pem(record.address),
        names=tuple(each for each in names if each) if all(names) else (),
        arn=arn,
        place=record.place_by(shown("region"), arn),
    )


def _presenting_stages(
    records: Sequence[Record],
    names: Mapping[ApiKey, str],
    disclosed: Collection[str],
    tags: Collection[str],
) -> list[tuple[Record, Stage]]:
    """Return the stages, with their records; those of HTTP APIs are left out."""
    http = http_apis(records)
    read = (
        (record, with_api_name(names, read_stage(record, disclosed, tags)))
        for record in records
        if record.type in STAGES
    )
    return [(record, stage) for record, stage in read if can_present(stage, http)]


def _presented(
    acm: Iterable[Certificate], stages: Iterable[tuple[Record, Stage]]
) -> Iterator[Certificate]:
    """Yield the ACM certificates whose ARN a stage names."""
    named = {stage.presents.id for _, stage in stages if isinstance(stage.presents, Presents)}
    return (certificate for certificate in acm if certificate.id in named)


def _notices(stages: Sequence[tuple[Record, Stage]]) -> Iterator[str]:
    for record, stage in stages:
        if record.hides(PRESENTED) and isinstance(stage.presents, PresentsPlanned):
            yield hidden_notice(stage)
    for record, _ in stages:
        if record.deposed is not None:
            yield _deposed_notice(record)


def _check_once(records: Sequence[Record]) -> None:
    """Raise UnreadableError for a relevant object that a state records twice.

    The state does not show which of the two exists in AWS.
    """
    seen: set[tuple[Address, str | None]] = set()
    for record in records:
        if record.type not in HOLDERS:
            continue
        if (record.address, record.deposed) in seen:
            raise record.json_path.unreadable(
                "is a second record of the same resource instance", AGAIN
            )
        seen.add((record.address, record.deposed))
        members(record.attributes, record.json_path)


def _deposed_notice(record: Record) -> str:
    return (
        f"{record.address} has a deposed object "
        f"({printable(record.deposed, record.json_path)}), an old stage that is in AWS, and "
        "presents its certificate, until an apply destroys it."
    )


def hidden_notice(stage: Stage) -> str:
    """Return the sentence about a stage whose certificate id is marked sensitive.

    Such an id is neither kept nor checked.
    """
    return (
        f"{stage.address} presents a certificate whose id is marked sensitive: tfcert keeps no "
        "sensitive value, so it was "
        "not checked; wrap the id in nonsensitive(), as it is no secret."
    )
