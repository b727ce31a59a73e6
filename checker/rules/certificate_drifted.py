"""AWS's answer differs from state: another certificate on the stage, or another end date.

## Why
Somebody changed the certificate of the stage outside Terraform. The next plan moves the stage back
to a certificate that its backend may no longer trust. The certificate that the stage presents now
is in no state, so no report warns before it ends.

## Example
A certificate was rotated manually in the console, and state still names the old one.

```hcl
resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id # AWS has another
}
```

## How to fix
`terraform plan -refresh-only` shows the changes. Take the certificate that AWS shows into the
configuration, or apply to move the stage back. The finding is an error where the certificate that
the stage presents in AWS is within the threshold, has ended or is gone. `--no-drift` switches these
questions to AWS off.

## How to exempt
Exempt the rule for the stage's address until a date.

## Source
AWS, API reference, GetStages: `clientCertificateId`. Two end dates differ if they are a day or more
apart. The end dates of ACM certificates are not compared: ACM renews under the same ARN, so a new
date is normal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from checker.analysis.certificate_uses import stage_key
from checker.model.cases import Case, Cases, DocumentCases, days_between
from checker.model.finding import Finding
from checker.model.observation import Found, Gone, ObservedStage, StageKey
from checker.model.places import Place
from checker.model.resources import Presents, PresentsNothing, Stage
from checker.model.severity import Severity
from checker.rules.base import (
    Judges,
    Needs,
    Rule,
    certificate_finding,
    format_day,
    locate,
    stage_name,
)

_SAME = timedelta(days=1)


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a finding for each recorded stage, and each recorded end, for which AWS differs."""
    for document in cases.documents:
        for stage in document.judged_stages:
            key = stage_key(stage)
            if key is not None:
                yield from _stage(cases, document, stage, key)
        for case in document.judged:
            yield from _end(document, case)


def _stage(cases: Cases, document: DocumentCases, stage: Stage, key: StageKey) -> Iterator[Finding]:
    recorded: str | None
    match stage.presents:
        case Presents(id=recorded):
            by_state = f"certificate {recorded}"
        case PresentsNothing():
            recorded, by_state = None, "none"
        case _:
            return
    match cases.observations.stages.get(key):
        case ObservedStage(certificate_id=shown) if shown != recorded:
            severity, end_text = _weighed(cases, shown, key.place) if shown else (RULE.severity, "")
            shows = f"certificate {shown}{end_text}" if shown else "no certificate"
            cause = _cause(document, shown, recorded)
            message = f"in AWS {stage_name(stage)} presents {shows}; by state {by_state}: {cause}"
            remedy = _remedy(document, stage, shown, recorded)
        case Gone():
            severity, message = (
                RULE.severity,
                f"{stage_name(stage)} is in state, and AWS has no such stage ({key.place})",
            )
            remedy = (
                "the next apply creates it again; if it was deleted on purpose, remove it from "
                "the configuration"
            )
        case _:
            return
    yield Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=severity,
        message=message,
        remedy=remedy,
        address=str(stage.address) if stage.address is not None else None,
        certificate_id=recorded,
        location=locate(document, stage.address),
        about=(stage,),
    )


def _cause(document: DocumentCases, shown: str | None, recorded: str | None) -> str:
    """Return the likely cause of the difference.

    After an UpdateStage that failed, state has the new id and AWS still has the old one. Both ids
    belong to this state.
    """
    case = document.by_id(shown) if shown is not None else None
    own = case is not None and case.address is not None
    if recorded is not None and (own or shown is None):
        return (
            "an apply failed before it changed the stage, or somebody changed it outside Terraform"
        )
    return "somebody changed it outside Terraform"


def _remedy(document: DocumentCases, stage: Stage, shown: str | None, recorded: str | None) -> str:
    declared = document.document.declared
    block = (
        declared.stage(stage.address.block)
        if declared is not None and stage.address is not None
        else None
    )
    if block is not None and block.ignores:
        return (
            "its ignore_changes covers client_certificate_id, so no apply changes it: rotate it "
            "where it is attached; `terraform apply -refresh-only` takes it into state"
        )
    undoes = f"moves it back to {recorded}" if recorded else "takes it off again"
    unless = "" if block is not None else ", unless ignore_changes covers client_certificate_id"
    if _cause(document, shown, recorded).startswith("an apply"):
        undoes = f"moves it to {recorded}"
        return (
            f"plan and apply again, which {undoes}{unless}; `terraform plan -refresh-only` shows it"
        )
    return (
        f"the next apply {undoes}{unless}: if that is wrong, take {shown or 'that it has none'} "
        "into the configuration before; `terraform plan -refresh-only` shows it"
    )


def _weighed(cases: Cases, shown: str, place: Place) -> tuple[Severity, str]:
    """Return the severity for the certificate that AWS shows on a stage, and a text on its end."""
    match cases.observations.answer_for(shown, place):
        case Found(expires_at=end):
            left = days_between(cases.as_of, end)
            word = "ended" if left < 0 else "ends"
            return (
                Severity.ERROR if left <= cases.policy.threshold_days else RULE.severity,
                f", which {word} on {format_day(end)}",
            )
        case Gone():
            return Severity.ERROR, ", which AWS does not know"
        case _:
            return RULE.severity, ", the end of which is not known"


def _end(document: DocumentCases, case: Case) -> Iterator[Finding]:
    recorded = case.certificate.expires_at
    match case.observation:
        case Found(expires_at=end) if (
            case.certificate.kind == "gateway"
            and recorded is not None
            and abs(end - recorded) >= _SAME
        ):
            yield certificate_finding(
                case,
                document,
                RULE.name,
                RULE.severity,
                f"certificate {case.id} ends on {format_day(end)} in AWS, and by state on "
                f"{format_day(recorded)}",
                "AWS's date is the one that counts here; `terraform apply -refresh-only` takes it "
                "into state",
            )
        case _:
            pass


def _is_answered(cases: Cases, _document: DocumentCases, case: Case) -> bool:
    """Return whether AWS answered about each recorded stage of the certificate."""
    keys = (stage_key(stage) for stage in case.subject.presented_by)
    answers = cases.observations.stages
    return all(isinstance(answers.get(key), ObservedStage | Gone) for key in keys if key)


RULE = Rule(
    name="certificate-drifted",
    severity=Severity.WARNING,
    says="AWS's answer differs from state: another certificate on the stage, another end date",
    check=check,
    judges=Judges.EACH,
    needs=Needs.PRESENTED,
    is_answered=_is_answered,
)
