"""The PEMs that backends must trust, as one file with a comment on each certificate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from checker.model.cases import Evidence
from checker.model.observation import Unanswered
from checker.reports.escape import printable
from checker.rotation.trust_bundle import TrustedCertificate

_TRAP = (
    "# Two gateway certificates in one file: with OpenSSL's defaults only the FIRST is accepted "
    "(nginx, HAProxy, Apache, Node, Python before 3.13),\n"
    "# since all of them have the same subject. `tfcert bundle --for SERVER` writes "
    "what accepts both: docs/trust.md of tfcert."
)


def render(bundle: tuple[TrustedCertificate, ...], *, as_of: datetime) -> str:
    """Write a PEM file; PEM parsers ignore the comments (RFC 7468, 2)."""
    return "\n".join(
        (*_head(bundle, as_of), "", *(line for entry in bundle for line in _entry(entry, as_of)))
    )


def plain(bundle: tuple[TrustedCertificate, ...]) -> str:
    """Write the PEMs without comments and blank lines, which some trust stores refuse."""
    return "".join(entry.pem for entry in bundle if entry.pem is not None)


def unknown(bundle: tuple[TrustedCertificate, ...]) -> tuple[str, ...]:
    """Return the missing certificates, each with a remedy."""
    return tuple(_missing(entry) for entry in bundle if entry.pem is None)


def _head(bundle: tuple[TrustedCertificate, ...], as_of: datetime) -> Iterator[str]:
    known = [entry for entry in bundle if entry.pem is not None]
    moment = as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
    yield (
        f"# tfcert: {len(known)} certificate{'s' * (len(known) != 1)} "
        f"that backends must trust on {moment}"
    )
    for entry in bundle:
        if entry.pem is None:
            yield printable(f"# INCOMPLETE: {_missing(entry)}")
    if len(known) > 1:
        yield _TRAP


def _missing(entry: TrustedCertificate) -> str:
    if entry.case.certificate.kind == "acm":
        return (
            f"{entry.label} is a certificate of ACM: "
            "backends trust the CA that issued it, and tfcert does not know that CA"
        )
    if entry.case.evidence is Evidence.GONE:
        return (
            f"the PEM of {entry.label} ({entry.case.id}) is not known: "
            "AWS does not know this certificate, and state has no PEM of it"
        )
    return (
        f"the PEM of {entry.label} ({entry.case.id}) is not known; "
        f"aws apigateway get-client-certificate --client-certificate-id {entry.case.id} gives it"
    )


def _entry(entry: TrustedCertificate, as_of: datetime) -> Iterator[str]:
    if entry.pem is None:
        return
    case = entry.case
    end = case.expires_at
    ends = (
        "ends at a date that is not known"
        if end is None
        else f"ends {end.strftime('%Y-%m-%dT%H:%M:%SZ')}"
    )
    if end is not None and end <= as_of:
        ends = ends.replace("ends", "ENDED")
    yield printable(f"# {entry.label} ({case.id})")
    yield printable(f"#   {entry.why}")
    yield f"#   {ends}; PEM {_evidence(entry)}"
    yield (
        f"#   SHA-256 {_colons(case.fingerprint) if case.fingerprint is not None else 'not known'}"
    )
    yield entry.pem


def _evidence(entry: TrustedCertificate) -> str:
    if entry.observed:
        return "as AWS gives it"
    match entry.case.evidence:
        case Evidence.GONE:
            return "as recorded in state; AWS does not know this certificate"
        case Evidence.UNANSWERED:
            reason = (
                entry.case.observation.reason
                if isinstance(entry.case.observation, Unanswered)
                else "no answer"
            )
            return printable(f"as recorded in state; AWS was asked in vain: {reason}")
        case Evidence.OBSERVED:
            return "as recorded in state; AWS knows the certificate and gave no PEM"
        case Evidence.RECORDED | Evidence.UNKNOWN:
            return "as recorded in state; AWS was not asked"


def _colons(fingerprint: str) -> str:
    digits = fingerprint.upper()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
