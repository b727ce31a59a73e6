"""Certificates as the rules see them: the stages that present each, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from checker.analysis.certificate_uses import certificate_uses
from checker.analysis.presenters import Presenters
from checker.analysis.stale_plans import StalePlans
from checker.model.cases import Case, Cases, DocumentCases, Evidence, days_between
from checker.model.certificate_use import CertificateUse
from checker.model.inventory import Inventory
from checker.model.observation import (
    Answers,
    CertificateKey,
    Found,
    Gone,
    Observation,
    Observations,
    Unanswered,
)
from checker.model.policy import Policy
from checker.model.rotation import Expected


def build_cases(
    inventory: Inventory,
    observations: Observations,
    *,
    as_of: datetime,
    policy: Policy,
    expect: Expected | None = None,
) -> Cases:
    """Join the inventory with the answers of AWS.

    `expect` is what a plan must do.
    """
    stale_plans = StalePlans(inventory, observations)
    documents = tuple(
        DocumentCases(
            document=document,
            cases=tuple(
                _case(presenters.correct(subject), observations, as_of)
                for subject in certificate_uses(document)
            ),
            stale=stale_plans.find(document),
        )
        for document in inventory.documents
        for presenters in (Presenters(document, observations),)
    )
    answered = replace(observations, certificates=Answers(observations.certificates))
    return Cases(
        as_of=as_of,
        policy=policy,
        documents=documents,
        observations=answered,
        expect=expect,
        unread=inventory.unread,
        held=tuple(each for document in inventory.documents for each in document.held),
    )


def _case(subject: CertificateUse, observations: Observations, as_of: datetime) -> Case:
    observation = _lookup(observations.certificates, subject.key)
    recorded = subject.certificate.expires_at
    fingerprint = subject.certificate.fingerprint
    end: datetime | None
    match observation:
        case Found():
            evidence, end = Evidence.OBSERVED, observation.expires_at
            # ACM returns no fingerprint. A renewal under the same ARN is a new certificate.
            fingerprint = observation.fingerprint or (fingerprint if end == recorded else None)
        case Gone():
            evidence, end = Evidence.GONE, recorded
        case Unanswered():
            evidence, end = Evidence.UNANSWERED, recorded
        case None:
            evidence, end = (
                (Evidence.RECORDED if recorded is not None else Evidence.UNKNOWN),
                recorded,
            )
    return Case(
        subject=subject,
        evidence=evidence,
        observation=observation,
        expires_at=end,
        fingerprint=fingerprint,
        days_left=days_between(as_of, end) if end is not None else None,
    )


def _lookup(
    answers: Mapping[CertificateKey, Observation], key: CertificateKey | None
) -> Observation | None:
    return answers.get(key) if key is not None else None
