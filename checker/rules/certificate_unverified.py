"""AWS could not be asked about a certificate, or its end date is unknown.

## Why
A certificate that could not be checked is never reported as clean: the verdict becomes
inconclusive, and the exit code 3.

## Example
No credentials in the pipeline, a region that does not answer, a certificate of the `awscc`
provider checked offline, or a backend that does not answer to `--probe`.

```hcl
resource "aws_api_gateway_stage" "live" { # of an account for which the pipeline has no role
  client_certificate_id = data.terraform_remote_state.shared.outputs.certificate_id
}
```

## How to fix
The finding names the failure and what gives an answer: credentials, a permission, a region, or a
state with dates.

## How to exempt
This finding cannot be exempted or switched off: an unknown is never clean.

## Source
tfcert's own invariant: an unknown is never clean.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from checker.analysis.certificate_uses import stage_key
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.finding import Finding
from checker.model.observation import ObservedStage, Surveyed, Unanswered
from checker.model.outcome import UNVERIFIED
from checker.model.resources import Presents, PresentsPlanned, Stage
from checker.model.severity import Severity
from checker.rules.base import (
    Judges,
    Rule,
    Subject,
    certificate_finding,
    list_stages,
    locate,
    open_plan_findings,
    stage_name,
)

_NOBODY = Unanswered(
    reason="AWS gave no answer for the certificate that it presents there",
    remedy="run it again, and please report this",
)

_UNHEARD = Unanswered(
    reason="AWS gave no answer for it",
    remedy="run it again, and please report this",
)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a finding for each unknown that the run could not resolve."""
    for document in cases.documents:
        for case in document.cases:
            yield from _certificate(document, case, asked=cases.observations.asked)
        yield from _unlisted(document)
        yield from _stages(document, cases)
        yield from _hidden(document)
        yield from _probed(document, cases)
        yield from open_plan_findings(document, RULE.severity)
    for root in cases.unread:
        yield Finding(
            rule=RULE.name,
            severity=RULE.severity,
            message=f"{root.path} could not be read: {root.reason}",
            remedy=root.remedy,
        )
    for place, survey in cases.observations.surveys.items():
        match survey:
            case Unanswered():
                yield Finding(
                    rule=RULE.name,
                    severity=RULE.severity,
                    message="whether a stage outside Terraform presents a certificate is not "
                    f"known ({place}): {survey.reason}",
                    remedy=survey.remedy,
                )
            case Surveyed():
                pass


def _unlisted(document: DocumentCases) -> Iterator[Finding]:
    """Yield a finding for each part that a scan could not list: its contents were not judged."""
    for part in document.document.unread:
        yield Finding(
            rule=RULE.name,
            source=document.document.source.path,
            severity=RULE.severity,
            message=f"{part.path} could not be read: {part.reason}",
            remedy=part.remedy,
        )


def _certificate(document: DocumentCases, case: Case, *, asked: bool) -> Iterator[Finding]:
    if case.subject.key is None:
        return
    match case.observation:
        case Unanswered() as why:
            yield _unchecked(document, case, why)
        case None if asked:
            yield _unchecked(document, case, _UNHEARD)
        case _ if case.evidence is Evidence.UNKNOWN:
            message = f"the end date of certificate {case.id} is not known"
            yield certificate_finding(
                case, document, RULE.name, RULE.severity, message, "ask AWS: run without --offline"
            )
        case _:
            pass


def _unchecked(document: DocumentCases, case: Case, why: Unanswered) -> Finding:
    message = f"certificate {case.id} could not be checked: {why.reason}"
    found = certificate_finding(case, document, RULE.name, RULE.severity, message, why.remedy)
    return replace(found, reason=why.reason)


def _stages(document: DocumentCases, cases: Cases) -> Iterator[Finding]:
    """Yield a finding for stages whose certificate AWS was asked for and did not return.

    Stages with one cause share one finding.
    """
    unknown: dict[Unanswered, list[Stage]] = {}
    for stage in document.document.stages:
        key = stage_key(stage)
        answer = cases.observations.stages.get(key) if key is not None else None
        recorded = stage.presents.id if isinstance(stage.presents, Presents) else None
        case = document.by_id(recorded) if recorded is not None else None
        match answer:
            case Unanswered() if not _has_same_remedy(case, answer):
                unknown.setdefault(answer, []).append(stage)
            case ObservedStage(certificate_id=shown) if shown is not None and shown != recorded:
                shown_answer = cases.observations.answer_for(shown, stage.place)
                if shown_answer is None or isinstance(shown_answer, Unanswered):
                    unknown.setdefault(shown_answer or _NOBODY, []).append(stage)
            case _:
                pass
    for why, stages in unknown.items():
        yield Finding(
            rule=RULE.name,
            source=document.document.source.path,
            severity=RULE.severity,
            message=f"what is presented in AWS by {list_stages(stages)} is not known: {why.reason}",
            remedy=f"{why.remedy}; or leave it out with --no-drift",
            address=str(stages[0].address) if stages[0].address is not None else None,
            location=locate(document, stages[0].address),
            about=tuple(stages),
        )


def _has_same_remedy(case: Case | None, why: Unanswered) -> bool:
    """Return whether the finding about the stage's certificate already has the same remedy."""
    return (
        case is not None
        and isinstance(case.observation, Unanswered)
        and case.observation.remedy == why.remedy
    )


def _probed(document: DocumentCases, cases: Cases) -> Iterator[Finding]:
    """Yield a finding for each backend that a probe did not confirm, with its stages."""
    unknown: dict[tuple[str | None, str, str], list[Stage]] = {}
    for each in cases.probed:
        # Imported here: most runs have no answers of backends.
        from checker.model.trust import TrustStatus

        for stage in document.document.stages:
            if each.status is TrustStatus.UNKNOWN and each.is_of(stage):
                unknown.setdefault((each.backend, each.reason, each.remedy), []).append(stage)
    for (backend, reason, remedy), stages in unknown.items():
        named = f"backend {backend} of {list_stages(stages)}"
        yield Finding(
            rule=RULE.name,
            source=document.document.source.path,
            severity=RULE.severity,
            message=f"{named if backend else f'a backend of {list_stages(stages)}'} is not "
            f"confirmed by the probe: {reason}",
            remedy=remedy or "run `tfcert probe` again",
            address=str(stages[0].address) if stages[0].address is not None else None,
            location=locate(document, stages[0].address),
            about=tuple(stages),
        )


def _hidden(document: DocumentCases) -> Iterator[Finding]:
    """Yield a finding for each recorded stage whose certificate id is marked sensitive.

    The stage presents a certificate, and tfcert cannot tell which: an unknown is never clean.
    """
    for stage in document.document.stages:
        if isinstance(stage.presents, PresentsPlanned):
            yield Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=RULE.severity,
                message=f"the certificate that {stage_name(stage)} presents is marked sensitive "
                "and was not read",
                remedy="remove the sensitive mark from the id, which is not a secret, or check "
                "the stage in AWS",
                address=str(stage.address) if stage.address is not None else None,
                location=locate(document, stage.address),
                about=(stage,),
            )


RULE = Rule(
    name=UNVERIFIED,
    severity=Severity.WARNING,
    says="AWS could not be asked about a certificate; makes the verdict inconclusive",
    check=check,
    judges=Judges.FACTS,
    mildest=Severity.NOTE,
    mildest_because="what could not be checked is never reported as clean",
    exemptable=False,
    subject=Subject.RUN,
)
