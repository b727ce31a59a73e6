"""Outcomes for the tests of formats: a mixed one, and one in which every name is hostile."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from msgspec.structs import replace
from world import BASE, CERTIFICATE, HOME, NOW, STAGE, days, world

from checker.git import Checkout
from checker.model.address import Address
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.inventory import Document, Inventory, ScanResult, Source, Sweep
from checker.model.location import Location
from checker.model.observation import CertificateKey, Found, ObservedStage
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.places import Place
from checker.model.policy import Policy, Run
from checker.model.resources import Certificate, Presents, Stage, StageKind
from checker.model.rotation import Phase, WrittenPatch
from checker.model.severity import Severity
from checker.pipeline import check, scan

ADDRESS = f"{CERTIFICATE}.orders"


def due(folder: Path) -> Outcome:
    """Return an outcome of a certificate with 12 days left on one stage, at main.tf:1."""
    return world(folder, {"main.tf": BASE}).judge(offline=True)


def mixed(folder: Path) -> Outcome:
    """Return an outcome with each kind of finding: error, warning, note, unverified and
    suppressed.
    """
    outcome = due(folder)
    (first,) = outcome.findings
    more = (
        finding(
            rule="rotation-premature",
            severity=Severity.WARNING,
            address=f"{STAGE}.prod",
            days_left=None,
        ),
        finding(
            rule="certificate-drifted",
            severity=Severity.NOTE,
            address=None,
            certificate_id="abc123",
        ),
        finding(
            rule=UNVERIFIED,
            severity=Severity.WARNING,
            address=None,
            certificate_id=None,
            source=None,
        ),
        replace(first, rule="certificate-gone", suppression=suppression(SuppressedBy.POLICY)),
        replace(first, rule="stage-detached", suppression=suppression(SuppressedBy.COMMENT)),
    )
    findings = tuple(sorted((first, *more), key=lambda each: each.order))
    return replace(
        outcome,
        findings=findings,
        notices=("the plan is incomplete",),
        checkout=Checkout(root="/repo", folder="infra"),
    )


def finding(**changes) -> Finding:
    """Return a finding of state.json with some fields changed."""
    plain = {
        "rule": "certificate-expiring",
        "severity": Severity.ERROR,
        "message": "certificate old000 ends on 2026-12-05, in 12 days",
        "remedy": "run `tfcert patch`",
        "address": ADDRESS,
        "certificate_id": "old000",
        "days_left": 12,
        "source": "state.json",
    }
    return Finding(**{**plain, **changes})


def suppression(
    kind: SuppressedBy, reason: str = "the backend is retired in December"
) -> Suppression:
    """Return an exemption until the end of the year, owned by the platform team."""
    where = Location("tfcert.toml" if kind is SuppressedBy.POLICY else "main.tf", 7)
    return Suppression(
        kind=kind, reason=reason, until=date(2026, 12, 31), owner="platform", location=where
    )


def judged(
    *pairs: tuple[Stage, Certificate], path: str = "state.json", policy: Policy | None = None
) -> Outcome:
    """Return an offline run over a state with these stages and their certificates."""
    document = Document(
        source=Source(path=path, kind="state"),
        stages=tuple(stage for stage, _ in pairs),
        certificates=tuple(certificate for _, certificate in pairs),
    )
    return check(Inventory(documents=(document,)), None, Run(as_of=NOW, policy=policy or Policy()))


def pair(name: str, key: str | None, identity: str, days: int) -> tuple[Stage, Certificate]:
    """Return a stage and its own certificate, which ends in this many days."""
    place = Place("aws", "123456789012", "us-east-1")
    certificate = Certificate(
        address=Address(CERTIFICATE, name, key),
        id=identity,
        place=place,
        expires_at=NOW + timedelta(days=days),
    )
    return (
        Stage(
            address=Address(STAGE, name, key),
            kind=StageKind.REST,
            api_id=key or "api",
            name=key or name,
            place=place,
            presents=Presents(identity),
        ),
        certificate,
    )


def many(stages: int) -> Outcome:
    """Return an outcome of this many stages, each with a certificate that ends within
    four months.
    """
    return judged(
        *(pair(f"s{number}", None, f"id{number:06}", number % 120) for number in range(stages))
    )


def hostile(name: str) -> Outcome:
    """Return an outcome in which each text from Terraform, AWS, the policy or the file system is
    this name.
    """
    said = name or "x"
    outcome = judged(pair("orders", name, name, 12), path=name, policy=Policy(name=name))
    more = (
        finding(
            address=name,
            certificate_id=name,
            message=said,
            remedy=said,
            source=name,
            rule="certificate-gone",
        ),
        finding(
            address=name, message=said, rule=UNVERIFIED, severity=Severity.WARNING, source=None
        ),
        replace(
            finding(address=name, message=said, rule="stage-detached"),
            suppression=replace(
                suppression(SuppressedBy.POLICY, said), owner=name, location=Location(name, 2)
            ),
        ),
    )
    own = tuple(
        replace(each, message=f"{each.message} {name}", remedy=said, location=Location(name, 1))
        for each in outcome.findings
    )
    rotations = tuple(replace(rotation, stages=(name,)) for rotation in outcome.rotations)
    patch = WrittenPatch(
        phase=Phase.INTRODUCE,
        file_name=f"folder/{name.replace(chr(0), '')}/1-introduce.patch",
        diff=f"# {name}\n+{name}\n",
        rotations=(name,),
        unmet=(name,),
    )
    return replace(
        outcome, findings=(*own, *more), rotations=rotations, notices=(name,), patches=(patch,)
    )


def scanned(
    count: int, *, place: Place = HOME, other: Place | None = None, step: int = 1
) -> Outcome:
    """Return a scan without states of this many APIs, whose certificates end `step` days apart."""
    sweeps = []
    for where in filter(None, (place, other)):
        stages = tuple(
            ObservedStage(
                kind=StageKind.REST,
                api_id=f"a{n:03}",
                api_name=f"api-{n:03}",
                name="live",
                certificate_id=f"c{n:03}{where.region}",
            )
            for n in range(count)
        )
        certificates = {
            CertificateKey(id=each.certificate_id, place=where): Found(
                expires_at=days(10 + n * step % 355), created_at=days(n * step % 355 - 355)
            )
            for n, each in enumerate(stages)
        }
        sweeps.append(Sweep(place=where, stages=stages, certificates=certificates))
    return scan(ScanResult(sweeps=tuple(sweeps)), None, Run(as_of=NOW, policy=Policy()))
