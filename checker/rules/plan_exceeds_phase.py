"""With `--expect`, a plan does more, less or other than the phase.

## Why
Each phase is safe because it does one thing. A gate that knows which phase is on its way can hold the plan to exactly that, for
stages, certificates and deployments; what else the plan holds is not judged.

## Example
`tfcert check plan.json --expect introduce` on a plan that also moves a stage, or that makes no certificate at all.

```hcl
# With --expect introduce: the second block is what is too much.
resource "aws_api_gateway_client_certificate" "orders_202611" {
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders_202611.id # belongs to repoint
}
```

## How to fix
Take out of the change what does not belong to the phase, and plan again. Drift of a stage or certificate is applied on its own,
before the rotation.

## How to exempt
Leave `--expect` out.

## Source
DESIGN.md 3: what each phase's plan must be.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.cases import Cases, DocumentCases
from checker.domain.finding import Finding
from checker.domain.plan import Action, CertificateChange, Plan, StageChange
from checker.domain.rotation import Phase
from checker.domain.severity import Severity
from checker.domain.stage import Presents
from checker.rules.rule import Needs, Rule, locate

_POINTER = "client_certificate_id"
_LESS = {
    Phase.INTRODUCE: "creates no certificate",
    Phase.REPOINT: "moves no stage to another certificate",
    Phase.RETIRE: "deletes no certificate",
    Phase.ROLLBACK: "moves no stage back to another certificate",
}


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each change that does not belong to the expected phase, and one if the phase's own change is missing."""
    if cases.expect is None:
        return
    for document in cases.documents:
        plan = document.document.plan
        if plan is not None:
            yield from _judge(document, plan, cases.expect)


def _judge(document: DocumentCases, plan: Plan, phase: Phase) -> Iterator[Finding]:
    fitting = 0
    for certificate in plan.certificates:
        if certificate.action.changes or _moved(certificate):
            reason = _certificate(document, certificate, phase)
            fitting += reason is None
            if reason is not None:
                yield _finding(document, certificate, phase, reason)
    for stage in plan.stages:
        if stage.action.changes or _moved(stage):
            reason = _stage(document, stage, phase)
            fitting += reason is None
            if reason is not None:
                yield _finding(document, stage, phase, reason)
    for deployment in plan.deployments:
        if deployment.action.changes:
            yield Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=RULE.severity,
                message=f"the plan changes deployment {deployment.address}, which publishes more than {phase} should",
                remedy=_REMEDY,
                address=str(deployment.address),
                location=locate(document, deployment.address),
            )
    if not fitting:
        yield Finding(
            rule=RULE.name,
            source=document.document.source.path,
            severity=RULE.severity,
            message=f"the plan {_LESS[phase]}, so it is no {phase}",
            remedy=_REMEDY,
        )


def _certificate(document: DocumentCases, change: CertificateChange, phase: Phase) -> str | None:
    match phase, change.action:
        case Phase.INTRODUCE, Action.CREATE:
            return _no_successor(document, change)
        case Phase.RETIRE, Action.DELETE | Action.FORGET:
            return None
        case _, Action.NO_OP:
            return "is moved to another address"
        case _, action:
            return f"has the planned action {action.value}"


def _no_successor(document: DocumentCases, change: CertificateChange) -> str | None:
    """By lineage, where the configuration has any."""
    declared = document.document.declared
    successors = (
        {entry.block for entry in declared.certificates if entry.succeeds or entry.succeeds_id} if declared is not None else set()
    )
    return "succeeds no certificate" if successors and change.address.block not in successors else None


def _stage(document: DocumentCases, change: StageChange, phase: Phase) -> str | None:
    if phase not in {Phase.REPOINT, Phase.ROLLBACK} or change.action is not Action.UPDATE:
        return "is moved to another address" if not change.action.changes else f"has the planned action {change.action.value}"
    extra = sorted(change.changed - {_POINTER})
    if extra:
        return f"also changes {', '.join(extra[:5])}"
    match change.presented:
        case Presents(id=old), Presents(id=new) if old != new:
            return _not_its_successor(document, old, new) if phase is Phase.REPOINT else _not_its_predecessor(document, old, new)
        case _:
            return "does not move from one existing certificate to another"


def _not_its_successor(document: DocumentCases, old: str, new: str) -> str | None:
    """By lineage, where the configuration knows one for the certificate that the stage leaves."""
    declared = document.document.declared
    was, becomes = document.by_id(old), document.by_id(new)
    if declared is None or was is None or was.address is None:
        return None
    successors = {successor.block for successor in declared.successors(was.address.block)}
    if successors and (becomes is None or becomes.address is None or becomes.address.block not in successors):
        return f"moves to {new}, which does not succeed {was.address}"
    return None


def _not_its_predecessor(document: DocumentCases, old: str, new: str) -> str | None:
    """By lineage, where the configuration knows what the certificate that the stage leaves has succeeded."""
    declared = document.document.declared
    was, becomes = document.by_id(old), document.by_id(new)
    if declared is None or was is None or was.address is None:
        return None
    left = declared.certificate(was.address.block)
    predecessor = left.succeeds if left is not None else None
    if predecessor is not None and (becomes is None or becomes.address is None or becomes.address.block != predecessor):
        return f"moves to {new}, which {was.address} does not succeed"
    return None


def _moved(change: CertificateChange | StageChange) -> bool:
    return change.previous_address is not None and change.previous_address != change.address


def _finding(document: DocumentCases, change: CertificateChange | StageChange, phase: Phase, reason: str) -> Finding:
    return Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=RULE.severity,
        message=f"{change.address} {reason}, which is not part of {phase}",
        remedy=_REMEDY,
        address=str(change.address),
        certificate_id=change.before.id if isinstance(change, CertificateChange) and change.before is not None else None,
        location=locate(document, change.address),
        about=change.sides if isinstance(change, StageChange) else None,
    )


_REMEDY = "keep the change to what the phase's patch does (`tfcert patch --phase …`), and plan again"

RULE = Rule(
    name="plan-exceeds-phase",
    severity=Severity.ERROR,
    says="with --expect: the plan does more, less or other than the phase",
    check=check,
    mildest=Severity.ERROR,
    needs=Needs.PHASE,
)
