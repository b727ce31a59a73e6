"""No stage of its account and region presents the certificate, in Terraform or not.

## Why
It counts towards the quota (60 per account and region), and its private key exists without a use. A
backend that still trusts it trusts one certificate more than it needs to. The usual cause is a
forgotten `retire` phase.

## Example
The stages moved to the successor months ago, and the predecessor is still in the configuration.

```hcl
resource "aws_api_gateway_client_certificate" "orders" { # retire was never applied
}

# tfcert: succeeds aws_api_gateway_client_certificate.orders
resource "aws_api_gateway_client_certificate" "orders_202511" {
}
```

## How to fix
Where a successor is declared, `tfcert patch` writes the retire phase. Otherwise remove the block
from the configuration in a separate apply. Delete a certificate that no Terraform manages with
the command that the finding names.

## How to exempt
Exempt the rule for the certificate's id until a date.

## Source
AWS, API reference, GetStages of every API in both versions of API Gateway. The rule applies only
where all of them were listed: `scan` does so, and so does `check` where a certificate is to be
retired or destroyed (docs/decisions, "What is unused"). A certificate that succeeds another, or is
younger than the notice of the policy, may still wait for its stages. It is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from checker.analysis.certificate_uses import stages_after
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.finding import Finding
from checker.model.observation import Found, Surveyed
from checker.model.places import Place
from checker.model.plan import Action
from checker.model.resources import Presents, PresentsPlanned
from checker.model.severity import Severity
from checker.rules.base import Judges, Needs, Rule, certificate_finding, format_day

_LIFE = timedelta(days=365)
_DELETES = "Terraform does not delete it; its owner does:"


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a note for each client certificate in AWS that no stage there presents.

    A stage that will present it after a plan counts too.
    """
    seen = {
        (place.account, place.region): {stage.certificate_id for stage in survey.stages}
        for place, survey in cases.observations.surveys.items()
        if isinstance(survey, Surveyed)
    }
    if not seen or _anything_may_be_planned(cases):
        return
    planned = {
        stage.presents.id
        for document in cases.documents
        for stage in stages_after(document.document)
        if isinstance(stage.presents, Presents)
    }
    for document in cases.documents:
        leaving = _leaving(document)
        for case in document.judged:
            place = case.subject.key.place if case.subject.key is not None else Place()
            presented = seen.get((place.account, place.region))
            if (
                presented is None
                or case.id in presented
                or case.id in planned
                or case.id in leaving
            ):
                continue
            if case.id in document.document.claimed:
                continue  # The next apply lets the stage present it again.
            if _is_left_over(cases, document, case):
                yield _finding(document, case, place)


def _anything_may_be_planned(cases: Cases) -> bool:
    """Return whether a plan gives a stage a certificate that the plan does not name."""
    return any(
        isinstance(stage.presents, PresentsPlanned)
        and (stage.presents.elsewhere or not stage.presents.candidates)
        for document in cases.documents
        for stage in stages_after(document.document)
    )


def _is_left_over(cases: Cases, document: DocumentCases, case: Case) -> bool:
    """Return whether it exists, stays, and does not wait for the stages of a rotation."""
    if (
        case.certificate.kind != "gateway"
        or case.evidence is not Evidence.OBSERVED
        or case.certificate.deposed is not None
    ):
        return False
    if _succeeds(document, case):
        return False
    return _is_succeeded(document, case) or not _is_young(cases, case)


def _leaving(document: DocumentCases) -> frozenset[str | None]:
    """Return the ids of the certificates that the document's plan destroys."""
    plan = document.document.plan
    changes = plan.certificates if plan is not None else ()
    return frozenset(
        change.before.id
        for change in changes
        if change.action.destroys and change.before is not None
    )


def _succeeds(document: DocumentCases, case: Case) -> bool:
    declared = document.document.declared
    own = (
        declared.certificate(case.address.block)
        if declared is not None and case.address is not None
        else None
    )
    return own is not None and (own.succeeds is not None or own.succeeds_id is not None)


def _is_succeeded(document: DocumentCases, case: Case) -> bool:
    declared = document.document.declared
    return (
        declared is not None
        and case.address is not None
        and bool(declared.successors(case.address.block))
    )


def _is_young(cases: Cases, case: Case) -> bool:
    """Return whether the certificate may still wait for its stages.

    A successor is introduced within the notice before its predecessor's end. An older certificate
    waits for no stage any more.
    """
    made = case.observation.created_at if isinstance(case.observation, Found) else None
    if made is None:
        made = case.expires_at - _LIFE if case.expires_at is not None else None
    return made is None or made + timedelta(days=cases.policy.notice_days) > cases.as_of


def _command(case: Case, place: Place) -> str:
    return (
        f"`aws apigateway delete-client-certificate --client-certificate-id {case.id} "
        f"--region {place.region}`"
    )


def _is_forgotten(document: DocumentCases, address: Address) -> bool:
    """Return whether Terraform takes it out of the state and leaves it in AWS.

    A plan does so, or a `removed` block with `destroy = false`.
    """
    plan, declared = document.document.plan, document.document.declared
    if plan is not None:
        return any(
            change.address == address and change.action is Action.FORGET
            for change in plan.certificates
        )
    removal = (
        declared.removal(address.block)
        if declared is not None and declared.lacks(address.block)
        else None
    )
    return removal is not None and removal.destroys is False


def _finding(document: DocumentCases, case: Case, place: Place) -> Finding:
    declared = document.document.declared
    if case.address is not None and _is_forgotten(document, case.address):
        remedy = f"{_DELETES} {_command(case, place)}, once it is out of the state"
    elif case.address is not None and declared is not None and declared.lacks(case.address.block):
        remedy = (
            "its block is out of the configuration: plan and apply again, and Terraform deletes it"
        )
    elif _is_succeeded(document, case):
        remedy = "`tfcert patch` writes the retire phase"
    elif case.address is not None:
        remedy = "remove it from the configuration in a separate apply"
    else:
        remedy = f"delete it: {_command(case, place)}"
    ends = f", which ends on {format_day(case.expires_at)}," if case.expires_at is not None else ""
    message = (
        f"certificate {case.id}{ends} is presented by no stage of {place}, in Terraform or not"
    )
    return certificate_finding(case, document, RULE.name, RULE.severity, message, remedy)


RULE = Rule(
    name="certificate-unused",
    severity=Severity.NOTE,
    says="no stage presents it; after retire was forgotten, for instance",
    check=check,
    judges=Judges.EACH,
    needs=Needs.SURVEY,
)
