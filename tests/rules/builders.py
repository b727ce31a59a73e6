"""Build stages, certificates, plans and cases for the tests of rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace
from world import CERTIFICATE, HOME, NOW, STAGE

from checker.analysis.cases import build_cases
from checker.analysis.certificate_uses import certificate_uses
from checker.model.address import Address
from checker.model.cases import Cases
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.finding import Finding
from checker.model.inventory import Document, Inventory, Source
from checker.model.location import Location
from checker.model.observation import (
    Found,
    Observation,
    Observations,
    ObservedStage,
    Survey,
    Surveyed,
)
from checker.model.plan import Action, CertificateChange, DeploymentChange, Plan, StageChange
from checker.model.policy import Policy
from checker.model.resources import (
    Certificate,
    Presented,
    Presents,
    PresentsNothing,
    Stage,
    StageKind,
)
from checker.model.rotation import Phase, TrustConsumer
from checker.model.trust import BundleCertificate, HeldBundle, TrustBackend
from checker.rules import judge


def certificate_at(name: str) -> Address:
    return Address(CERTIFICATE, name)


def stage_at(name: str) -> Address:
    return Address(STAGE, name)


def certificate(name: str, left: float | timedelta | None = 12) -> Certificate:
    """Return a recorded certificate with the id `name` and this much time left."""
    end: datetime | None = None
    if left is not None:
        end = NOW + (left if isinstance(left, timedelta) else timedelta(days=left))
    return Certificate(address=certificate_at(name), id=name, place=HOME, expires_at=end)


def stage(name: str, presents: str | Presented | None) -> Stage:
    shown: Presented = (
        presents
        if not isinstance(presents, str | None)
        else Presents(presents)
        if presents
        else PresentsNothing()
    )
    return Stage(
        address=stage_at(name),
        kind=StageKind.REST,
        api_id="api1",
        name=name,
        place=HOME,
        presents=shown,
    )


def making(name: str, action: Action = Action.CREATE) -> CertificateChange:
    before = certificate(name) if action is not Action.CREATE else None
    after = Certificate(address=certificate_at(name), id=None) if action.creates else None
    return CertificateChange(
        address=certificate_at(name), action=action, before=before, after=after
    )


def moving(
    name: str,
    before: str | Presented | None,
    after: str | Presented | None,
    action: Action = Action.UPDATE,
    changed: frozenset[str] = frozenset({"client_certificate_id"}),
) -> StageChange:
    return StageChange(
        address=stage_at(name),
        action=action,
        before=stage(name, before) if action is not Action.CREATE else None,
        after=stage(name, after) if action is not Action.DELETE else None,
        changed=changed,
    )


def deploying(action: Action) -> DeploymentChange:
    return DeploymentChange(address=Address("aws_api_gateway_deployment", "d"), action=action)


def lineage(**succeeds: str | None) -> ConfigurationFacts:
    """Return a configuration with a certificate block per name; each value is its predecessor or
    None.
    """
    blocks = tuple(
        DeclaredCertificate(
            block=certificate_at(name),
            location=Location("main.tf", 10 + number),
            succeeds=certificate_at(old) if old is not None else None,
        )
        for number, (name, old) in enumerate(succeeds.items())
    )
    return ConfigurationFacts(
        directory=".",
        certificates=blocks,
        locations={entry.block: entry.location for entry in blocks},
    )


def document(
    certificates: list[Certificate] | None = None,
    stages: list[Stage] | None = None,
    plan: Plan | None = None,
    declared: ConfigurationFacts | None = None,
) -> Document:
    """Return a document; by default stage `prod` presents certificate `old` with 12 days left."""
    return Document(
        source=Source(path="plan.json", kind="plan" if plan is not None else "state"),
        certificates=tuple(certificates if certificates is not None else [certificate("old")]),
        stages=tuple(stages if stages is not None else [stage("prod", "old")]),
        plan=plan,
        declared=declared,
    )


PRINTS = {"old": "0" * 64, "new": "1" * 64, "third": "3" * 64}


def backend(
    *names: str,
    server: str | None = "nginx",
    stages: tuple[str, ...] = (f"{STAGE}.prod",),
    name: str = "orders",
) -> TrustBackend:
    """Return a backend whose bundle has these certificates, all with one subject.

    Without names, its bundle was not read.
    """
    found = tuple(
        BundleCertificate(fingerprint=PRINTS[each], subject="s", ends=NOW + timedelta(days=9))
        for each in names
    )
    return TrustBackend(
        name=name, stages=stages, bundle="t.pem", server=server, certificates=found or None
    )


def consuming(held: tuple[str, ...] | None, *, kind: str = "aws_ssm_parameter", others: int = 0):
    """Return a configuration whose resources use the PEM of `old`, and the recorded
    bundle of one.
    """
    declared = lineage(old=None, new="old")
    consumers = tuple(
        TrustConsumer(
            what=f"resource {each}.ca",
            location=Location("main.tf", 1),
            block=Address(each, "ca"),
        )
        for each in (kind, *("local_file",) * others)
    )
    certificates = tuple(
        replace(each, trust=consumers if each.succeeds is None else ())
        for each in declared.certificates
    )
    found = tuple(
        BundleCertificate(fingerprint=PRINTS[each], subject="s", ends=NOW + timedelta(days=9))
        for each in held or ()
    )
    bundle = HeldBundle(
        consumer=Address(kind, "ca"),
        certificates=found or None,
        reason=None if found else "it was denied",
        source="GetParameter ca",
        document="plan.json",
    )
    return replace(declared, certificates=certificates), (bundle,)


def known(name: str, left: float | timedelta | None = 12) -> Certificate:
    """Return a recorded certificate with the fingerprint that bundles use."""
    return replace(certificate(name, left), fingerprint=PRINTS[name])


def cases_of(
    *documents: Document,
    answers: dict[str, Observation] | None = None,
    survey: Survey | list[ObservedStage] | None = None,
    expect: Phase | None = None,
    asked: bool = True,
    policy: Policy | None = None,
) -> Cases:
    """Return cases; by default AWS confirms the recorded dates and has no stage outside
    Terraform.
    """
    seen: dict[object, Observation] = {}
    for one in documents:
        for subject in certificate_uses(one):
            end = subject.certificate.expires_at
            answer = (answers or {}).get(subject.key.id) if subject.key is not None else None
            if answer is None and end is not None:
                answer = Found(expires_at=end)
            if answer is not None:
                seen[subject.key] = answer
    shown = Surveyed(tuple(survey)) if isinstance(survey, list) else survey
    observations = Observations(
        asked=asked,
        certificates=seen if asked else {},  # type: ignore[arg-type]
        surveys={HOME: shown} if shown is not None else {},
    )
    return build_cases(
        Inventory(documents=documents),
        observations,
        as_of=NOW,
        policy=policy or Policy(),
        expect=expect,
    )


def findings(cases: Cases, rule: str | None = None) -> list[Finding]:
    return [finding for finding in judge(cases) if rule is None or finding.rule == rule]


def said(cases: Cases) -> dict[str, str]:
    """Return the severity of the first finding of each rule."""
    weights: dict[str, str] = {}
    for finding in judge(cases):
        weights.setdefault(finding.rule, finding.severity.word)
    return weights
