"""Strict parsing of AWS responses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from checker.model.conditions import Tags
from checker.model.observation import (
    AcmDoesNotRenew,
    AcmRenews,
    Found,
    ObservedStage,
    Renewal,
    Unanswered,
)
from checker.model.probe import ProbeAnswer
from checker.model.resources import StageKind, possible_beginning, possible_end
from checker.model.x509 import fingerprint_of, normal_pem

_REMEDY = "look at it in the API Gateway console"
# API Gateway exists since 2015. Its certificates live for 365 days; AWS may allow more, but not
# decades.
_FIRST_YEAR, _LAST_YEAR = 2015, 2100
_LONGEST_LIFE = timedelta(days=3660)

# Half a million items: a list of AWS is never longer.
_MOST_PAGES = 1000
# The lineage of a manually created successor, in its description. In Terraform it is a comment.
_LINEAGE = re.compile(r"tfcert: succeeds ([a-z0-9]{1,64})")


def read_pages(
    fetch: Callable[..., Mapping[str, Any]], items: str, position: str
) -> Iterator[Mapping[str, Any]]:
    """Yield the items of all pages; raises ValueError for a page that is not one.

    `position` is the field that names the next page. A page without its list is not an empty page:
    botocore makes an empty answer of a proxy's HTML. If that meant "no certificates", every
    certificate would be gone. Source: botocore's `apigateway` and `apigatewayv2` models; both
    services also send an empty list.
    """
    page = fetch()
    seen: set[str] = set()
    while True:
        if page.get(items) is None:
            raise ValueError(f"no {items} in the answer")
        yield from page[items]
        following = page.get(position)
        if not following:
            return
        if following in seen or len(seen) >= _MOST_PAGES:
            raise ValueError("the pages do not end")
        seen.add(following)
        page = fetch(**{position: following})


def index_by_id(items: Iterable[Mapping[str, Any]]) -> dict[str, Found | Unanswered]:
    """Return the client certificates of a list by id; raises ValueError for a duplicate.

    Of two entries with one id, one is wrong.
    """
    found: dict[str, Found | Unanswered] = {}
    for item in items:
        identity = required_text(item, "clientCertificateId")
        if identity in found:
            raise ValueError(f"{identity} is in the answer twice")
        found[identity] = parse_certificate(item)
    return found


def parse_certificate(item: Mapping[str, Any]) -> Found | Unanswered:
    """Parse a client certificate of GetClientCertificates.

    If its dates are impossible, it is unanswered; the other certificates are not affected.
    """
    identity = required_text(item, "clientCertificateId")
    ends, begins, pem = (
        item.get("expirationDate"),
        item.get("createdDate"),
        item.get("pemEncodedCertificate"),
    )
    if not isinstance(ends, datetime):
        return Unanswered(
            reason=f"AWS knows the certificate {identity} but gives no end date for it",
            remedy=_REMEDY,
        )
    begun = begins.astimezone(UTC) if isinstance(begins, datetime) else None
    if not _FIRST_YEAR <= ends.year <= _LAST_YEAR or (
        begun is not None and not timedelta(0) < ends - begun <= _LONGEST_LIFE
    ):
        since = f" and began on {begun:%Y-%m-%d}" if begun is not None else ""
        reason = (
            f"AWS answers that the certificate {identity} ends on {ends:%Y-%m-%d}{since}, "
            "which is not the life of one"
        )
        return Unanswered(reason=reason, remedy=_REMEDY)
    return Found(
        expires_at=ends.astimezone(UTC),
        created_at=begun,
        fingerprint=fingerprint_of(pem),
        pem=normal_pem(pem),
        succeeds=_succeeds(item.get("description")),
        tags=_tags(item.get("tags")),
    )


def _tags(found: object) -> Tags | None:
    """Return the tags, sorted; values that are not text are skipped.

    Both API versions return tags in the same format.
    """
    if not isinstance(found, Mapping) or not found:
        return None
    return tuple(
        sorted(
            (key, value)
            for key, value in found.items()
            if isinstance(key, str) and isinstance(value, str)
        )
    )


def _succeeds(description: object) -> str | None:
    found = _LINEAGE.fullmatch(description.strip()) if isinstance(description, str) else None
    return found[1] if found else None


def parse_rest_stage(api_id: str, api_name: str | None, item: Mapping[str, Any]) -> ObservedStage:
    """Parse a stage of API Gateway's GetStages; a removed certificate leaves an empty string."""
    return ObservedStage(
        kind=StageKind.REST,
        api_id=api_id,
        name=required_text(item, "stageName"),
        certificate_id=optional_text(item, "clientCertificateId"),
        api_name=api_name,
        tags=_tags(item.get("tags")),
    )


def parse_websocket_stage(
    api_id: str, api_name: str | None, item: Mapping[str, Any]
) -> ObservedStage:
    """Parse a stage of API Gateway v2's GetStages."""
    return ObservedStage(
        kind=StageKind.WEBSOCKET,
        api_id=api_id,
        name=required_text(item, "StageName"),
        certificate_id=optional_text(item, "ClientCertificateId"),
        api_name=api_name,
        tags=_tags(item.get("Tags")),
    )


def once(stages: Iterable[ObservedStage]) -> tuple[ObservedStage, ...]:
    """Return the stages of one API's list; raises ValueError for a duplicate name.

    Of two stages with one name, one is wrong.
    """
    found: dict[str, ObservedStage] = {}
    for stage in stages:
        if stage.name in found:
            raise ValueError(f"stage {stage.name} is in the answer twice")
        found[stage.name] = stage
    return tuple(found.values())


def required_text(item: Mapping[str, Any], name: str) -> str:
    """Return a required text of an item; raises ValueError if it is missing."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {name} in the answer")
    return value


def optional_text(item: Mapping[str, Any], name: str) -> str | None:
    """Return an optional text of an item, or None if it is missing or empty.

    Raises ValueError if the value is not text.
    """
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} in the answer is no text")
    return value or None


_WORD = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_SERVING = frozenset({"ISSUED", "EXPIRED"})

REIMPORT = (
    "re-import it in ACM under the same ARN (`aws acm import-certificate --certificate-arn`): "
    "API Gateway then uses it automatically"
)


def parse_acm_certificate(answer: Mapping[str, Any], arn: str) -> Found | Unanswered:
    """Parse a certificate of DescribeCertificate.

    Raises ValueError if the response has no certificate, or another one. Source: AWS, ACM API
    reference, CertificateDetail. API Gateway takes only a certificate that is ISSUED.
    """
    detail = answer.get("Certificate")
    if not isinstance(detail, Mapping) or detail.get("CertificateArn") != arn:
        raise ValueError("no Certificate in the answer that was asked for")
    status = _word(detail.get("Status"))
    if status not in _SERVING:
        return Unanswered(
            reason=(
                f"ACM knows it, and says that its status is {status}: "
                "API Gateway needs a certificate that is ISSUED"
            ),
            remedy=(
                "look at it in ACM (`aws acm describe-certificate`), "
                "and give the stage a certificate that is ISSUED"
            ),
        )
    ends, begins = _instant(detail.get("NotAfter")), _instant(detail.get("NotBefore"))
    if possible_end(ends) is None or ends is None:
        return Unanswered(
            reason="ACM knows it, but gives no end date for it",
            remedy="look at it in the ACM console",
        )
    return Found(
        expires_at=ends, created_at=possible_beginning(begins, ends), renewal=_renewal(detail)
    )


def _instant(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _renewal(detail: Mapping[str, Any]) -> Renewal:
    """Return whether ACM renews a certificate.

    ACM renews only a certificate that it issued, that is eligible, and whose renewal has not
    failed. Source: AWS, ACM user guide, "Managed certificate renewal" and "Check a certificate's
    renewal status".
    """
    if detail.get("Type") == "IMPORTED":
        return AcmDoesNotRenew(
            "it was imported, and ACM renews only certificates that it issued", REIMPORT
        )
    summary = detail.get("RenewalSummary")
    renewal = summary if isinstance(summary, Mapping) else {}
    match renewal.get("RenewalStatus"):
        case "FAILED":
            why = renewal.get("RenewalStatusReason")
            reason = f"ACM tried to renew it and failed{f' ({_word(why)})' if why else ''}"
            return AcmDoesNotRenew(
                reason,
                "find the reason in ACM, then run `aws acm renew-certificate`, "
                "or request a new certificate",
            )
        case "PENDING_VALIDATION":
            return AcmDoesNotRenew(
                "its renewal waits for its domains to be validated",
                "validate the domains that ACM names",
            )
        case _ if detail.get("RenewalEligibility") == "ELIGIBLE":
            return AcmRenews()
        case _:
            return AcmDoesNotRenew(
                "ACM does not mark it as eligible for renewal",
                "have ACM issue another one (`aws acm request-certificate`), "
                "and see why this one is not eligible",
            )


def _word(text: object) -> str:
    """Return a text that has the form of ACM's constants; a placeholder for any other value."""
    return text if isinstance(text, str) and _WORD.fullmatch(text) else "one that has no name"


def texts(found: object) -> Mapping[str, str]:
    """Return a map of texts, empty if there is none; raises ValueError for other values."""
    if found is None:
        return {}
    pairs = found.items() if isinstance(found, Mapping) else [(None, None)]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise ValueError("no map of texts in the answer")
    return dict(pairs)


# The words of a failed handshake in logs of TLS libraries. The log of API Gateway is not
# documented, so this explains a verdict and decides none.
_TLS = re.compile(
    r"handshake|\b(?:SSL|TLS)|fatal alert|PKIX|(?:bad|unknown)[ _]certificate", re.IGNORECASE
)


def parse_test_answer(answer: Mapping[str, Any]) -> ProbeAnswer:
    """Parse the status of TestInvokeMethod; nothing else of the backend's answer is kept.

    A log that mentions TLS counts only if the call failed. Raises ValueError if there is no status.
    """
    status, log, latency = (answer.get(name) for name in ("status", "log", "latency"))
    if type(status) is not int or not 100 <= status <= 999:
        raise ValueError("no status in the answer")
    failed = isinstance(log, str) and status >= 500
    return ProbeAnswer(
        status=status,
        tls_failure=_TLS.search(str(log)) is not None if failed else None,
        latency=latency if type(latency) is int else None,
    )
