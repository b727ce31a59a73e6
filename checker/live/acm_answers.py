"""Turns what ACM answers into the domain's values: when a certificate ends, and whether ACM renews it before that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from checker.domain.life import possible_beginning, possible_end
from checker.domain.observation import Found, Renewal, Renews, RenewsNot, Unanswered

_WORD = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_SERVING = frozenset({"ISSUED", "EXPIRED"})

REIMPORT = "re-import it in ACM under the same ARN (`aws acm import-certificate --certificate-arn`): API Gateway follows by itself"


def acm_certificate(answer: Mapping[str, Any], arn: str) -> Found | Unanswered:
    """A certificate of DescribeCertificate; ValueError where the answer holds none, or another one.

    Source: AWS, ACM API reference, CertificateDetail; API Gateway takes only one that is ISSUED (`facts/aws.md` 2).
    """
    detail = answer.get("Certificate")
    if not isinstance(detail, Mapping) or detail.get("CertificateArn") != arn:
        raise ValueError("no Certificate in the answer that was asked for")
    status = _word(detail.get("Status"))
    if status not in _SERVING:
        return Unanswered(
            reason=f"ACM knows it, and says that its status is {status}: API Gateway needs one that is ISSUED",
            remedy="look at it in ACM (`aws acm describe-certificate`), and give the stage one that is ISSUED",
        )
    ends, begins = _instant(detail.get("NotAfter")), _instant(detail.get("NotBefore"))
    if possible_end(ends) is None or ends is None:
        return Unanswered(reason="ACM knows it and gives no end date for it", remedy="look at it in the ACM console")
    return Found(expires_at=ends, created_at=possible_beginning(begins, ends), renewal=_renewal(detail))


def _instant(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _renewal(detail: Mapping[str, Any]) -> Renewal:
    """Whether ACM renews it: only what ACM itself issued, calls eligible, and has not failed to renew.

    Source: AWS, ACM user guide, "Managed certificate renewal" and "Check a certificate's renewal status".
    """
    if detail.get("Type") == "IMPORTED":
        return RenewsNot("it was imported, and ACM renews nothing that it did not issue", REIMPORT)
    summary = detail.get("RenewalSummary")
    stands = summary if isinstance(summary, Mapping) else {}
    match stands.get("RenewalStatus"):
        case "FAILED":
            why = stands.get("RenewalStatusReason")
            reason = f"ACM tried to renew it and failed{f' ({_word(why)})' if why else ''}"
            return RenewsNot(reason, "see in ACM why, and have it renewed: `aws acm renew-certificate`, or issue it anew")
        case "PENDING_VALIDATION":
            return RenewsNot("its renewal waits for its domains to be validated", "validate the domains that ACM names")
        case _ if detail.get("RenewalEligibility") == "ELIGIBLE":
            return Renews()
        case _:
            return RenewsNot(
                "ACM does not call it eligible for renewal",
                "have ACM issue another one (`aws acm request-certificate`), and see why this one is not eligible",
            )


def _word(text: object) -> str:
    """One of ACM's own words; whatever has not the form of one is not quoted."""
    return text if isinstance(text, str) and _WORD.fullmatch(text) else "one that has no name"
