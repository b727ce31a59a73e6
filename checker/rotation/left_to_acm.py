"""Certificates of ACM, which no patch rotates: what is said of them instead."""

from __future__ import annotations

from checker.domain.case_values import Case, Cases, Evidence
from checker.domain.observation import Found, Renews, RenewsNot
from checker.domain.rotation import Blocked, Waiting

_ELSEWHERE = "it is a certificate of ACM, which tfcert leaves alone: the stage follows what ACM has under the ARN"


def left_to_acm(cases: Cases, case: Case, *, even_if_not_due: bool) -> Blocked | Waiting | None:
    """Why a certificate of ACM that stages present and that is due gets no patch, and what a person does; None for any other."""
    if case.certificate.kind != "acm" or not case.subject.presented_by or case.id is None:
        return None
    if not (even_if_not_due or case.evidence is Evidence.GONE or case.within(cases.policy.notice_days)):
        return None
    match case.observation:
        case Found(renewal=Renews()):
            return Waiting(f"{_ELSEWHERE}, and ACM renews it by itself")
        case Found(renewal=RenewsNot(reason=reason, remedy=remedy)):
            return Blocked(f"{_ELSEWHERE}; {reason}", remedy)
        case _:
            return Blocked(_ELSEWHERE, "look at it in ACM (`aws acm describe-certificate`), and re-import or replace it there")
