"""Certificates: from a resource's attributes to an id, an end and what the end was read from."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.domain.certificate import Certificate
from checker.domain.life import possible_beginning, possible_end
from checker.domain.pem import normal_pem
from checker.domain.place import place_of_arn
from checker.domain.value import replace
from checker.readers.decoding import decode
from checker.readers.instants import read_instant
from checker.readers.places import in_region
from checker.readers.printable import printable
from checker.readers.records import Record
from checker.readers.tags import read_tags
from checker.readers.x509 import read_pem


class _Gateway(Struct, frozen=True, gc=False):
    id: str | None = None
    client_certificate_id: str | None = None
    arn: str | None = None
    created_date: str | None = None
    expiration_date: str | None = None
    pem_encoded_certificate: str | None = None
    region: str | None = None
    tags: Raw | UnsetType = UNSET
    tags_all: Raw | UnsetType = UNSET


class _Acm(Struct, frozen=True, gc=False):
    arn: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    certificate_body: str | None = None
    certificate: str | None = None
    region: str | None = None
    tags: Raw | UnsetType = UNSET
    tags_all: Raw | UnsetType = UNSET


def read_certificate(record: Record, tags: Collection[str] = ()) -> Certificate:
    """Read a client certificate of API Gateway; its PEM's end wins over the attribute, which is the provider's copy.

    Raises UnreadableError at the attribute that has a wrong type. A date or PEM that is not readable is no error: the
    end is then unknown, which no rule takes for good.
    """
    found = decode(record.attributes, _Gateway, record.spot)
    # awscc has its own `id`, which CloudFormation composes; the certificate's is the read-only attribute.
    name = "client_certificate_id" if record.type.startswith("awscc_") else "id"
    place = in_region(found.region).or_else(place_of_arn(found.arn)).or_else(record.place)
    known = None if record.awaits(name) or record.hides(name) else getattr(found, name) or found.id
    return _dated(
        Certificate(
            address=record.address,
            id=printable(known, record.spot.key(name)),
            place=place,
            deposed=record.deposed,
            tainted=record.tainted,
            tags=read_tags(record, found.tags, found.tags_all, tags),
        ),
        pem=_open(record, found, "pem_encoded_certificate"),
        starts=_open(record, found, "created_date"),
        ends=_open(record, found, "expiration_date"),
    )


def read_acm_certificate(record: Record, tags: Collection[str] = ()) -> Certificate:
    """Read an ACM certificate, whose id is its ARN, as a stage names it; its data source holds a PEM and no dates."""
    found = decode(record.attributes, _Acm, record.spot)
    known = None if record.awaits("arn") or record.hides("arn") else found.arn
    place = place_of_arn(found.arn).or_else(in_region(found.region)).or_else(record.place)
    return _dated(
        Certificate(
            address=record.address,
            id=printable(known, record.spot.key("arn")),
            kind="acm",
            place=place,
            deposed=record.deposed,
            tainted=record.tainted,
            tags=read_tags(record, found.tags, found.tags_all, tags),
        ),
        pem=_open(record, found, "certificate_body") or _open(record, found, "certificate"),
        starts=_open(record, found, "not_before"),
        ends=_open(record, found, "not_after"),
    )


def _open(record: Record, found: _Gateway | _Acm, name: str) -> str | None:
    """An attribute, unless it is marked sensitive: no such value is kept, however harmless it may be."""
    value: str | None = None if record.hides(name) else getattr(found, name)
    return value


def _dated(certificate: Certificate, *, pem: str | None, starts: str | None, ends: str | None) -> Certificate:
    validity = read_pem(pem)
    if validity is not None and possible_end(validity.not_after) is not None:
        return replace(
            certificate,
            created_at=possible_beginning(read_instant(starts) or validity.not_before, validity.not_after),
            expires_at=validity.not_after,
            dated_by="pem",
            fingerprint=validity.fingerprint,
            pem=normal_pem(pem),
        )
    end = possible_end(read_instant(ends))
    begin = possible_beginning(read_instant(starts), end)
    return replace(certificate, created_at=begin, expires_at=end, dated_by="attribute" if end else None)
