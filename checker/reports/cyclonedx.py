"""CycloneDX 1.6: the certificates as cryptographic assets, with what depends on each.

A stage is a service, and a place that passes the PEM on to a backend is a data component; both
depend on their certificate. Source: CycloneDX 1.6, `cryptoProperties` and the guide to the
cryptography bill of materials (CBOM); cyclonedx-python-lib writes the document.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.crypto import (
    AlgorithmProperties,
    CertificateProperties,
    CryptoAssetType,
    CryptoPrimitive,
    CryptoProperties,
    RelatedCryptoMaterialProperties,
    RelatedCryptoMaterialType,
)
from cyclonedx.model.service import Service
from cyclonedx.output.json import JsonV1Dot6

from checker.model.cases import Case
from checker.model.observation import Found
from checker.model.outcome import Outcome
from checker.model.places import Place
from checker.reports.escape import printable
from checker.reports.json_v1 import instant, json_text
from checker.rules.base import stage_name

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
    from cryptography.x509 import Certificate

# The namespace of serial numbers: a document has the same number as long as it has the same text.
_NAMESPACE = UUID("6a1c2f0e-7a0b-4d55-9d6e-2d8f6f2f9c11")


class _Parts(NamedTuple):
    """The components and services by reference, and what depends on what."""

    components: dict[str, Component]
    services: dict[str, Service]
    uses: dict[str, set[str]]


def render(outcome: Outcome) -> str:
    """Write the certificates of a run as a bill of materials; the same outcome, the same bytes."""
    parts = _Parts({}, {}, {})
    for document in outcome.cases.documents:
        for case in document.cases:
            if case.id is not None:
                _add_certificate(parts, case, document.document.source.path)
    for rotation in outcome.rotations:
        known = [reference for reference, name in _labels(outcome) if name == rotation.label]
        for consumer in rotation.trust:
            where = f"{consumer.location.file}:{consumer.location.line}"
            reference = _reference("consumer", rotation.label, consumer.what, where)
            parts.components[reference] = Component(
                bom_ref=reference,
                type=ComponentType.DATA,
                name=_name(consumer.what),
                properties=_properties(location=where, delivery=str(consumer.delivery)),
            )
            parts.uses.setdefault(reference, set()).update(known)
    return _document(outcome, parts)


def _labels(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield the reference of each certificate with the label of its rotation."""
    for document in outcome.cases.documents:
        for case in document.cases:
            if case.id is not None:
                yield _of_case(case), str(case.address.block) if case.address else case.id
                yield _of_case(case), case.id


def _document(outcome: Outcome, parts: _Parts) -> str:
    from importlib.metadata import version

    bom = Bom(
        components=parts.components.values(),
        services=parts.services.values(),
        serial_number=uuid5(_NAMESPACE, "\0".join(sorted({*parts.components, *parts.services}))),
    )
    bom.metadata.timestamp = outcome.cases.as_of
    bom.metadata.tools.components.add(
        Component(type=ComponentType.APPLICATION, name="tfcert", version=version("tfcert"))
    )
    every = {each.bom_ref.value: each for each in (*bom.components, *bom.services)}
    for user, used in sorted(parts.uses.items()):
        bom.register_dependency(every[user], [every[each] for each in sorted(used)])
    return json_text(json.loads(JsonV1Dot6(bom).output_as_string()))


def _add_certificate(parts: _Parts, case: Case, source: str) -> None:
    reference = _of_case(case)
    place = case.subject.place
    known = parts.components.get(reference)
    certificate = _parsed(case)
    signature = _algorithm(parts, certificate) if certificate is not None else None
    key = _key(parts, certificate) if certificate is not None else None
    component = Component(
        bom_ref=reference,
        type=ComponentType.CRYPTOGRAPHIC_ASSET,
        name=_name(str(case.address) if case.address is not None else str(case.id)),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=case.fingerprint)]
        if case.fingerprint is not None
        else (),
        crypto_properties=CryptoProperties(
            asset_type=CryptoAssetType.CERTIFICATE,
            certificate_properties=CertificateProperties(
                subject_name=certificate.subject.rfc4514_string() if certificate else None,
                issuer_name=certificate.issuer.rfc4514_string() if certificate else None,
                not_valid_before=_beginning(case, certificate),
                not_valid_after=case.expires_at,
                signature_algorithm_ref=signature,
                subject_public_key_ref=key,
                certificate_format="X.509",
                certificate_extension="pem",
            ),
        ),
        properties=_properties(
            id=case.id,
            account=place.account,
            region=place.region,
            evidence=str(case.evidence),
            expires_at=instant(case.expires_at),
            source=source,
        ),
    )
    if known is not None:
        component.properties.update(known.properties)
    parts.components[reference] = component
    for stage in case.subject.stages:
        name = _reference("stage", *_keys(place), stage.api_id or "", stage_name(stage))
        parts.services[name] = Service(
            bom_ref=name,
            name=_name(stage_name(stage)),
            properties=_properties(
                api=stage.api_id,
                stage=stage.name,
                kind=str(stage.kind),
                account=stage.place.account,
                region=stage.place.region,
            ),
        )
        parts.uses.setdefault(name, set()).add(reference)


def _beginning(case: Case, certificate: Certificate | None) -> datetime | None:
    return certificate.not_valid_before_utc if certificate is not None else case.made_at


def _parsed(case: Case) -> Certificate | None:
    """Return the certificate itself, where its PEM is known; None if it cannot be read.

    cryptography reads the names only when they are asked for, so they are asked for here.
    """
    seen = case.observation.pem if isinstance(case.observation, Found) else None
    pem = seen or case.certificate.pem
    if pem is None:
        return None
    from cryptography.x509 import load_pem_x509_certificate

    with suppress(ValueError):
        certificate = load_pem_x509_certificate(pem.encode())
        for name in (certificate.subject, certificate.issuer):
            name.rfc4514_string()
        return certificate
    return None


def _public_key(certificate: Certificate) -> CertificatePublicKeyTypes | None:
    """Return the public key; None for a kind that cryptography does not know."""
    from cryptography.exceptions import UnsupportedAlgorithm

    with suppress(ValueError, UnsupportedAlgorithm):
        return certificate.public_key()
    return None


def _digest(certificate: Certificate) -> str:
    """Return the name of the hash that was signed; empty for one without a known hash."""
    from cryptography.exceptions import UnsupportedAlgorithm

    with suppress(UnsupportedAlgorithm):
        digest = certificate.signature_hash_algorithm
        return digest.name.upper() if digest is not None else ""
    return ""


def _algorithm(parts: _Parts, certificate: Certificate) -> BomRef | None:
    """Add the signature algorithm as an asset; None for one that cryptography has no name for."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    digest, key = _digest(certificate), _public_key(certificate)
    if not digest or key is None:
        return None
    name = f"{digest}-{'RSA' if isinstance(key, RSAPublicKey) else 'ECDSA'}"
    return _asset(
        parts,
        name,
        CryptoProperties(
            asset_type=CryptoAssetType.ALGORITHM,
            algorithm_properties=AlgorithmProperties(primitive=CryptoPrimitive.SIGNATURE),
            oid=certificate.signature_algorithm_oid.dotted_string,
        ),
    )


def _key(parts: _Parts, certificate: Certificate) -> BomRef | None:
    """Add the kind of the public key as an asset; the key itself is in the certificate.

    Return None for a kind that cryptography does not know.
    """
    key = _public_key(certificate)
    if key is None:
        return None
    size = getattr(key, "key_size", None)
    family = type(key).__name__.strip("_").removesuffix("PublicKey")
    return _asset(
        parts,
        f"{family}-{size}" if size else family,
        CryptoProperties(
            asset_type=CryptoAssetType.RELATED_CRYPTO_MATERIAL,
            related_crypto_material_properties=RelatedCryptoMaterialProperties(
                type=RelatedCryptoMaterialType.PUBLIC_KEY, size=size
            ),
        ),
    )


def _asset(parts: _Parts, name: str, properties: CryptoProperties) -> BomRef:
    reference = _reference("algorithm", name)
    if reference not in parts.components:
        parts.components[reference] = Component(
            bom_ref=reference,
            type=ComponentType.CRYPTOGRAPHIC_ASSET,
            name=name,
            crypto_properties=properties,
        )
    return parts.components[reference].bom_ref


def _of_case(case: Case) -> str:
    return _reference("certificate", *_keys(case.subject.place), case.id or "")


def _keys(place: Place) -> tuple[str, str]:
    return place.account or "", place.region or ""


def _reference(kind: str, *names: str) -> str:
    """Return a reference that is the same in every run, and safe whatever the names contain."""
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}-{digest[:32]}"


def _name(text: str) -> str:
    return printable(text) or "unnamed"


def _properties(**named: str | None) -> list[Property]:
    return [
        Property(name=f"tfcert:{name}", value=printable(text))
        for name, text in named.items()
        if text is not None
    ]
