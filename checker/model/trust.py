"""What backends trust: their bundles, what each kind of server accepts of them, and evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address, InstanceKey
from checker.model.conditions import address_names, compile_patterns
from checker.model.places import Place
from checker.model.resources import Stage
from checker.model.x509 import read_pem


class ServerReading(StrEnum):
    """Which certificates of one subject in a bundle a server accepts.

    FIRST: only the first that has not ended. FIRST_OF_ALL: only the first, and none if that one has
    ended. EACH: all of them. UNKNOWN: no test shows it, and the load balancers' documentation does
    not say what a trust store does with a certificate that is not a CA's.
    """

    FIRST = "first"
    FIRST_OF_ALL = "first of all"
    EACH = "each"
    UNKNOWN = "unknown"


# The servers of docs/trust.md, by the name that a policy gives them; tests compare both tables.
# `pinned` is a server with the files of `tfcert bundle --for`: it compares each certificate.
READINGS: Mapping[str, ServerReading] = {
    "nginx": ServerReading.FIRST,
    "haproxy": ServerReading.FIRST,
    "apache": ServerReading.FIRST,
    "envoy": ServerReading.FIRST_OF_ALL,
    "caddy-2.6": ServerReading.FIRST_OF_ALL,
    "caddy-2.11": ServerReading.EACH,
    "java": ServerReading.EACH,
    "python": ServerReading.FIRST,
    "node": ServerReading.FIRST,
    "go": ServerReading.EACH,
    "openssl": ServerReading.FIRST,
    "openssl-partial-chain": ServerReading.EACH,
    "pinned": ServerReading.EACH,
    "alb": ServerReading.UNKNOWN,
    "nlb": ServerReading.UNKNOWN,
}


# 10,000 certificates, the most of an AWS trust store, are smaller.
LARGEST_BUNDLE = 32 * 1024 * 1024


class TrustStatus(StrEnum):
    """Whether a backend trusts a certificate."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "not confirmed"


class BundleCertificate(Struct, frozen=True, kw_only=True):
    """A certificate of a bundle: the SHA-256 of its DER and of its subject, and its end."""

    fingerprint: str
    subject: str
    ends: datetime


class BundleFault(Exception):  # noqa: N818 -- a reason, which the caller turns into an error
    """A text is not a bundle of certificates: the reason, without any of its bytes."""


_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*)-----.*?-----END \1-----", re.DOTALL)
_OTHER_FORMS = frozenset({"TRUSTED CERTIFICATE", "X509 CERTIFICATE", "PKCS7", "CMS"})


def read_bundle(text: str) -> tuple[BundleCertificate, ...]:
    """Return the certificates of a PEM bundle in order; nothing else of it is kept.

    Raises BundleFault if it has no certificate, or one that cannot be read: the rest would be a
    wrong answer to what it lacks.
    """
    found: list[BundleCertificate] = []
    for block in _BLOCK.finditer(text):
        if block[1] in _OTHER_FORMS:
            raise BundleFault("has certificates in another form than BEGIN CERTIFICATE")
        if block[1] != "CERTIFICATE":
            continue
        read = read_pem(block[0])
        if read is None:
            raise BundleFault(f"certificate {len(found) + 1} of it cannot be read")
        found.append(
            BundleCertificate(
                fingerprint=read.fingerprint, subject=read.subject, ends=read.not_after
            )
        )
    if text.count("-----BEGIN CERTIFICATE-----") > len(found):
        raise BundleFault(f"certificate {len(found) + 1} of it cannot be read")
    if not found:
        raise BundleFault("has no certificate in PEM form")
    return tuple(found)


def without_pem(address: Address) -> Address:
    """Return an address without the bytes of a PEM: `for_each` over a set makes it the key.

    Such a key is replaced by its SHA-256, so that instances stay apart.
    """
    modules = tuple(replace(step, key=_plain(step.key)) for step in address.modules)
    return replace(address, key=_plain(address.key), modules=modules)


def _plain(key: InstanceKey) -> InstanceKey:
    if not isinstance(key, str) or "-----BEGIN" not in key:
        return key
    return f"PEM {sha256(key.encode()).hexdigest()[:16]}"


class TrustMaterial(Struct, frozen=True, kw_only=True):
    """A recorded resource whose content may be trust material, and how AWS is asked for it.

    `names` are the values that the read call needs, in the order of `resource_types.MATERIAL`;
    empty if the document does not show them. `arn` is what an answer must be about; None if the
    call itself is unambiguous, or if the document does not show it.
    """

    address: Address
    names: tuple[str, ...] = ()
    arn: str | None = None
    place: Place = Place()


class TrustBackend(Struct, frozen=True, kw_only=True):
    """A backend that the policy declares: the stages that call it, its bundle and its server.

    `stages` are patterns of addresses. `bundle` is a path, or an `s3://` or `https://` URL.
    `server` is a key of `READINGS`; None means that it is not known. `certificates` are what the
    bundle has; None if it was not read, and `unread` then says why. `consumer` is a pattern of the
    address of the resource whose content is the bundle.
    """

    name: str
    stages: tuple[str, ...]
    bundle: str | None = None
    server: str | None = None
    certificates: tuple[BundleCertificate, ...] | None = None
    consumer: str | None = None
    unread: str | None = None

    def consumes(self, consumer: Address) -> bool:
        """Return whether the content of this resource is the bundle of the backend."""
        if self.consumer is None:
            return False
        return any(map(compile_patterns("address", (self.consumer,)), address_names(consumer)))

    def serves(self, stage: Address | None) -> bool:
        """Return whether the stage calls this backend."""
        fits = compile_patterns("address", self.stages)
        return stage is not None and any(map(fits, address_names(stage)))

    def contains(self, fingerprint: str) -> bool:
        """Return whether the bundle has this certificate, accepted or not."""
        return any(each.fingerprint == fingerprint for each in self.certificates or ())

    def judge(self, fingerprint: str | None, as_of: datetime) -> tuple[TrustStatus, str]:
        """Return whether the backend accepts a certificate now, and why; the why has no period."""
        if self.certificates is None:
            return TrustStatus.UNKNOWN, self.unread or (
                "no bundle of it was given"
                if self.consumer is None
                else "its consumer is read only with --trust"
            )
        if fingerprint is None:
            return TrustStatus.UNKNOWN, "the fingerprint of the certificate is not known"
        own = next((each for each in self.certificates if each.fingerprint == fingerprint), None)
        if own is None:
            return TrustStatus.REFUSED, "its bundle does not have the certificate"
        if own.ends <= as_of:
            return TrustStatus.REFUSED, "the certificate has ended"
        return self._accepts(own, as_of)

    def _accepts(self, own: BundleCertificate, as_of: datetime) -> tuple[TrustStatus, str]:
        """Return whether the server accepts a certificate of its bundle that has not ended."""
        reading = READINGS[self.server] if self.server is not None else None
        if reading is ServerReading.UNKNOWN:
            why = f"its bundle has the certificate; no test shows what {self.server} accepts"
            return TrustStatus.UNKNOWN, why
        same = [each for each in self.certificates or () if each.subject == own.subject]
        if all(each == own for each in same) or reading is ServerReading.EACH:
            return TrustStatus.CONFIRMED, "its bundle has the certificate"
        if reading is None:
            why = f"its bundle has {len(same)} certificates of one subject; its server is unknown"
            return TrustStatus.UNKNOWN, why
        counted = [
            each for each in same if reading is ServerReading.FIRST_OF_ALL or each.ends > as_of
        ]
        if counted[0] == own:
            return TrustStatus.CONFIRMED, "its bundle has the certificate, first of its subject"
        return (
            TrustStatus.REFUSED,
            f"another one of the same subject is before it; {self.server} accepts the first",
        )


class HeldBundle(Struct, frozen=True, kw_only=True):
    """What a consumer of the PEM has now.

    `consumer` is the resource that has it. `certificates` is None if they could not be read; then
    `reason` says why, without any byte of the value. `source` is where it was read, such as `state
    terraform.tfstate` or `AWS elbv2 in 111111111111 eu-west-1`. `document` is the path of the
    document whose configuration has the consumer; None if that is not known.
    """

    consumer: Address
    certificates: tuple[BundleCertificate, ...] | None
    source: str
    reason: str | None = None
    document: str | None = None


class TrustEvidence(Struct, frozen=True, kw_only=True):
    """Whether one backend trusts the successor of a rotation, with its source.

    `backend` is None for stages without a declared backend. `fingerprints` are those of the bundle.
    `old` is whether it trusts the predecessor. `may_drop` has the predecessors' fingerprints that
    the backend has and no longer needs once the predecessor is retired.
    """

    backend: str | None
    stages: tuple[str, ...]
    status: TrustStatus
    reason: str
    source: str | None = None
    server: str | None = None
    fingerprints: tuple[str, ...] = ()
    old: TrustStatus = TrustStatus.UNKNOWN
    may_drop: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Return the evidence in one line."""
        stages = ", ".join(self.stages) or "a stage without an address"
        who = f"backend {self.backend}" if self.backend is not None else stages
        source = f" ({self.source})" if self.source is not None else ""
        return f"{who}{source}: {self.status}, {self.reason}"


class StageCertificate(Struct, frozen=True, kw_only=True):
    """A certificate that a stage presents or will present, as far as it is known."""

    id: str
    address: Address | None = None
    fingerprint: str | None = None
    ends: datetime | None = None


class StagePair(Struct, frozen=True, kw_only=True):
    """A stage of a rotation, with its predecessor and its successor; None if it is not known."""

    stage: Stage
    predecessor: StageCertificate | None
    successor: StageCertificate | None


class ProbeEvidence(Struct, frozen=True, kw_only=True):
    """The result of a probe for one backend behind a stage, or for a stage that was not called.

    It belongs to the stage of this API, account and region, and to these two certificates, by their
    SHA-256 fingerprints. `backend` is None if no backend of the stage could be named. `old` is
    whether it trusts the predecessor.
    """

    account: str | None
    region: str | None
    api_id: str | None
    stage: str | None
    backend: str | None
    predecessor: str | None
    successor: str | None
    status: TrustStatus
    old: TrustStatus
    reason: str
    remedy: str = ""

    @property
    def fingerprints(self) -> frozenset[str]:
        """Return the fingerprints of the two certificates, as far as they are known."""
        return frozenset(each for each in (self.predecessor, self.successor) if each is not None)

    def is_of(self, stage: Stage) -> bool:
        """Return whether it is evidence about this stage."""
        return (self.api_id, self.stage) == (stage.api_id, stage.name) and None not in {
            self.api_id,
            self.stage,
        }
