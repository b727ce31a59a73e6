"""What cures a certificate of ACM: never a rotation, since API Gateway follows whatever ACM has under the ARN."""

from __future__ import annotations

from checker.domain.case_values import Case
from checker.domain.observation import Found, Renews, RenewsNot

NOTHING_TO_DO = "nothing to do: ACM renews it by itself, and nothing says that this failed"
_NOT_KNOWN = (
    "ACM was not asked whether it renews it by itself; if it was imported, re-import it under the same ARN "
    "(`aws acm import-certificate --certificate-arn`): API Gateway follows by itself"
)


def renews(case: Case) -> bool:
    """Whether ACM answered that it renews the certificate, and not that this failed."""
    return isinstance(case.observation, Found) and isinstance(case.observation.renewal, Renews)


def acm_cure(case: Case) -> str | None:
    """What to do about a certificate of ACM that nears or is behind its end; None for one of API Gateway."""
    match case.observation:
        case Found(renewal=RenewsNot(remedy=remedy)):
            return remedy
        case Found(renewal=Renews()):
            return NOTHING_TO_DO
        case _:
            return _NOT_KNOWN if case.certificate.kind == "acm" else None
