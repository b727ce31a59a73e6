"""With `--expect`, a plan does more, less or other than the phase.

## Why
Each phase is safe because it does one thing. A gate that knows the expected phase can limit the
plan to exactly that, for stages, certificates and deployments. The rule does not judge other
changes in the plan. With `--expect next`, tfcert works out the phase for each rotation: the first
one that the configuration has and the plan's prior state lacks.

## Example
`tfcert check plan.json --expect introduce` on a plan that also moves a stage, or that makes no
certificate at all.

```hcl
# With --expect introduce: the second block belongs to another phase.
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
Remove from the change everything that does not belong to the phase, and plan again. Apply drift of
a stage or certificate on its own, before the rotation.

Where a trigger of a deployment hashes files of the configuration (`filesha1("api_gateway.tf")`),
each phase replaces the deployment. That is a warning as long as only `triggers` changes and the new
deployment is created first. Check in the same plan that the API itself does not change with it.

## How to exempt
Leave `--expect` out.

## Source
tfcert's own phases: introduce creates certificates, repoint moves stages to them, retire deletes
certificates, and rollback moves stages back.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from checker.model.cases import Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.plan import Action, CertificateChange, DeploymentChange, Plan, StageChange
from checker.model.resources import Presents, PresentsPlanned
from checker.model.rotation import Expected, Phase
from checker.model.severity import Severity
from checker.rules.base import DO_NOT_APPLY, Judges, Needs, Rule, Subject, locate

_LESS = {
    Phase.INTRODUCE: "creates no certificate",
    Phase.REPOINT: "moves no stage to another certificate",
    Phase.RETIRE: "deletes no certificate",
    Phase.ROLLBACK: "moves no stage back to another certificate",
}


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each change outside the expected phase, and one if its own is missing."""
    if cases.expect is None:
        return
    for document in cases.documents:
        plan = document.document.plan
        # The phase of a stale plan is over: certificate-unverified names it.
        if plan is None or document.stale is not None:
            continue
        if cases.expect == "next":
            yield from _judge_next(cases, document, plan)
        else:
            yield from _judge(document, plan, cases.expect)


def _judge_next(cases: Cases, document: DocumentCases, plan: Plan) -> Iterator[Finding]:
    """Yield an error for each change that is no next phase; a plan without such changes passes."""
    declared = document.document.declared
    if declared is None:
        return
    # Imported here, as below: most runs have no --expect.
    from checker.rules.next_phase import NextPhase

    following = NextPhase(cases=cases, document=document, declared=declared)
    for certificate in plan.certificates if document.judges_plan else ():
        reason = following.certificate(certificate) if _is_change(certificate) else None
        if reason is not None:
            yield _finding(document, certificate, "next", reason)
    for stage in _beside_deployments(document, plan, document.judged_changes):
        reason = following.stage(stage) if _is_stage_change(stage) else None
        if reason is not None:
            yield _finding(document, stage, "next", reason)
    if document.judges_plan:
        yield from _deployments(document, plan, "next")


def _is_change(change: CertificateChange) -> bool:
    return change.action.changes or _moved(change) or change.imported


def _is_stage_change(change: StageChange) -> bool:
    return change.action.changes or _moved(change)


def _triggered_by_edits(document: DocumentCases, plan: Plan) -> tuple[DeploymentChange, ...]:
    """Return the deployments that a hash of the configuration's own files replaces.

    Any edit in these files replaces them, whatever the phase. Public configurations have `triggers
    = { redeployment = filesha1("api_gateway.tf") }`: a comment in that file is enough.
    """
    declared = document.document.declared
    hashes = declared.hashes if declared is not None else ()
    return tuple(deployment for deployment in plan.deployments if hashes and deployment.by_trigger)


def _beside_deployments(
    document: DocumentCases, plan: Plan, changes: tuple[StageChange, ...]
) -> Iterator[StageChange]:
    """Yield the changes of stages, without the new id of a deployment that a hash replaces."""
    follows = {"deployment_id"} if _triggered_by_edits(document, plan) else set()
    for stage in changes:
        rest = stage.changed - follows
        if rest or not stage.changed or stage.action is not Action.UPDATE or _moved(stage):
            yield replace(stage, changed=rest) if follows else stage


def _deployments(document: DocumentCases, plan: Plan, phase: Expected) -> Iterator[Finding]:
    triggered = _triggered_by_edits(document, plan)
    for deployment in plan.deployments:
        if deployment in triggered:
            declared = document.document.declared
            places = ", ".join(
                sorted(
                    {str(each.place) for each in (declared.hashes if declared is not None else ())}
                )
            )
            yield Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=Severity.WARNING,
                message=f"the plan also replaces deployment {deployment.address}: its trigger "
                f"hashes files of the configuration ({places}), so each edit of them publishes "
                "the API's undeployed changes",
                remedy="check in the same plan that no method, integration or model of the API "
                "changes, then apply it; otherwise apply those changes separately first",
                address=str(deployment.address),
                location=locate(document, deployment.address),
            )
        elif deployment.action.changes:
            yield Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=RULE.severity,
                message=f"the plan changes deployment {deployment.address}, which publishes more "
                f"than {_called(phase)} should",
                remedy=f"take what changes {deployment.address} out of this change; "
                f"{_remedy(phase)}",
                address=str(deployment.address),
                location=locate(document, deployment.address),
            )


def _judge(document: DocumentCases, plan: Plan, phase: Phase) -> Iterator[Finding]:
    for stage in _beside_deployments(document, plan, document.judged_changes):
        reason = _stage(document, stage, phase) if _is_stage_change(stage) else None
        if reason is not None:
            yield _finding(document, stage, phase, reason)
    if not document.judges_plan:
        return
    for certificate in plan.certificates:
        # An import that changes nothing in AWS harms no phase.
        if certificate.action.changes or _moved(certificate):
            reason = _certificate(document, certificate, phase)
            if reason is not None:
                yield _finding(document, certificate, phase, reason)
    yield from _deployments(document, plan, phase)
    if not _has_phase(document, plan, phase):
        other = _other_phase(document, plan, phase)
        alternative = (
            f"pass --expect {other} to apply this plan; else " if other is not None else ""
        )
        yield Finding(
            rule=RULE.name,
            source=document.document.source.path,
            severity=RULE.severity,
            message=f"the plan {_LESS[phase]}, so it is no {phase}"
            + (f": it is {other}" if other is not None else ""),
            remedy=f"{alternative}{_remedy(phase)}",
        )


def _has_phase(document: DocumentCases, plan: Plan, phase: Phase) -> bool:
    """Return whether some change of the plan belongs to the phase."""
    return any(
        _is_change(certificate) and _certificate(document, certificate, phase) is None
        for certificate in plan.certificates
    ) or any(
        _is_stage_change(stage) and _stage(document, stage, phase) is None
        for stage in _beside_deployments(document, plan, plan.stages)
    )


def _other_phase(document: DocumentCases, plan: Plan, phase: Phase) -> Phase | None:
    """Return the phase that the plan is instead; None if it is no phase or more than one."""
    certificates = [change for change in plan.certificates if _is_change(change)]
    stages = [change for change in plan.stages if _is_stage_change(change)]
    if not certificates and not stages:
        return None
    for other in Phase:
        unfit = any(_certificate(document, change, other) for change in certificates)
        if (
            other is not phase
            and not unfit
            and not any(_stage(document, change, other) for change in stages)
        ):
            return other
    return None


def _certificate(document: DocumentCases, change: CertificateChange, phase: Phase) -> str | None:
    match phase, change.action:
        case Phase.INTRODUCE, Action.CREATE:
            return _no_successor(document, change)
        case Phase.INTRODUCE, Action.NO_OP | Action.UPDATE if change.imported:
            # A successor made outside Terraform enters the state by import.
            return _no_successor(document, change)
        case Phase.RETIRE, Action.FORGET if (
            change.before is not None and change.before.id is not None
        ):
            case = document.by_id(change.before.id)
            used = case is not None and bool(case.subject.presented_by)
            return (
                "has the planned action forget while stages still present it: repoint comes first"
                if used
                else None
            )
        case Phase.RETIRE, Action.DELETE | Action.FORGET:
            return None
        case _, Action.NO_OP:
            return "is imported" if change.imported else "is moved to another address"
        case _, action:
            return f"has the planned action {action.value}"


def _no_successor(document: DocumentCases, change: CertificateChange) -> str | None:
    """Return why the certificate is no successor by lineage; None without lineage."""
    declared = document.document.declared
    successors = (
        {entry.block for entry in declared.certificates if entry.succeeds or entry.succeeds_id}
        if declared is not None
        else set()
    )
    return (
        "succeeds no certificate" if successors and change.address.block not in successors else None
    )


def _stage(document: DocumentCases, change: StageChange, phase: Phase) -> str | None:
    from checker.rules.next_phase import planned_action, pointer_move

    move = (
        pointer_move(change) if phase in {Phase.REPOINT, Phase.ROLLBACK} else planned_action(change)
    )
    if isinstance(move, str):
        return move
    return (
        _not_its_successor(document, *move)
        if phase is Phase.REPOINT
        else _not_its_predecessor(document, *move)
    )


def _not_its_successor(document: DocumentCases, old: str, new: str) -> str | None:
    """Return why a stage does not move to the successor of its certificate.

    None if it does, or if the configuration declares no successor of the certificate that the stage
    leaves.
    """
    declared = document.document.declared
    was, becomes = document.by_id(old), document.by_id(new)
    if declared is None or was is None or was.address is None:
        return None
    successors = {successor.block for successor in declared.successors(was.address.block)}
    if successors and (
        becomes is None or becomes.address is None or becomes.address.block not in successors
    ):
        return f"moves to {new}, which does not succeed {was.address}"
    return None


def _not_its_predecessor(document: DocumentCases, old: str, new: str) -> str | None:
    """Return why a stage does not move back to the predecessor of its certificate.

    None if it does, or if the configuration declares no predecessor of the certificate that the
    stage leaves.
    """
    declared = document.document.declared
    was, becomes = document.by_id(old), document.by_id(new)
    if declared is None or was is None or was.address is None:
        return None
    left = declared.certificate(was.address.block)
    predecessor = left.succeeds if left is not None else None
    if predecessor is not None and (
        becomes is None or becomes.address is None or becomes.address.block != predecessor
    ):
        return f"moves to {new}, which {was.address} does not succeed"
    return None


def _moved(change: CertificateChange | StageChange) -> bool:
    return change.previous_address is not None and change.previous_address != change.address


def _finding(
    document: DocumentCases, change: CertificateChange | StageChange, phase: Expected, reason: str
) -> Finding:
    return Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=RULE.severity,
        message=f"{change.address} {reason}, which is not part of {_called(phase)}",
        remedy=f"{_excess_remedy(document, change, phase)}; {_remedy(phase)}",
        address=str(change.address),
        certificate_id=change.before.id
        if isinstance(change, CertificateChange) and change.before is not None
        else None,
        location=locate(document, change.address),
        about=change.sides if isinstance(change, StageChange) else None,
    )


def _called(phase: Expected) -> str:
    return "the next phase of any rotation" if phase == "next" else str(phase)


def _excess_remedy(
    document: DocumentCases, change: CertificateChange | StageChange, phase: Expected
) -> str:
    """Return how to take one change out of the plan."""
    plan = document.document.plan
    if plan is not None and change.address in plan.drifted:
        return f"{change.address} was changed outside Terraform: apply that alone first"
    if change.deposed is not None or (_moved(change) and not change.action.changes):
        what = "move" if change.deposed is None else "deletion of the old object"
        return f"apply the {what} of {change.address} alone first"
    if change.imported or change.action is Action.CREATE:
        if phase in {Phase.REPOINT, Phase.RETIRE} and _is_introduced(plan, change):
            return f"introduce comes first: apply {change.address} alone, before any stage moves"
        return f"take {change.address} out of this change, and apply it in another one"
    return _object_remedy(document, change, phase)


def _object_remedy(
    document: DocumentCases, change: CertificateChange | StageChange, phase: Expected
) -> str:
    match change.action:
        case Action.UPDATE if isinstance(change, StageChange):
            return _stage_remedy(document, change, phase)
        case Action.DELETE:
            return f"keep {change.address} in the configuration, and take it out in a later change"
        case Action.FORGET:
            return f"take the removed block of {change.address} out of this change"
        case Action.UPDATE:
            return f"take the edits of {change.address} out of this change, and apply them alone"
        case _:
            from checker.rules.replaced import undo

            again = undo(change) if isinstance(change, CertificateChange) else None
            return again or f"take what replaces {change.address} out of this change"


def _is_introduced(plan: Plan | None, change: CertificateChange | StageChange) -> bool:
    """Return whether the plan also gives the new certificate to a stage."""
    return plan is not None and any(
        isinstance(stage.presented[1], PresentsPlanned)
        and change.address in stage.presented[1].candidates
        for stage in plan.stages
    )


def _stage_remedy(document: DocumentCases, change: StageChange, phase: Expected) -> str:
    """Return how to take a stage's update out of the plan: its pointer, the rest, or both."""
    from checker.rules.next_phase import POINTER

    before, after = change.presented
    names = ", ".join(sorted(change.changed - {POINTER})[:5])
    edits = f"take the edits of {names} of {change.address} out of this change"
    moves = before != after and phase in {Phase.REPOINT, Phase.ROLLBACK, "next"}
    if before == after or (names and moves and isinstance(after, Presents)):
        return edits if names else f"take the edits of {change.address} out of this change"
    case = document.by_id(before.id) if isinstance(before, Presents) else None
    own = case.address if case is not None else None
    if isinstance(after, PresentsPlanned) and own in after.candidates:
        return f"{change.address} follows the replacement of {own}: take that out of this change"
    if phase in {Phase.REPOINT, Phase.RETIRE} and isinstance(after, PresentsPlanned):
        new = ", ".join(map(str, after.candidates)) or "the new certificate"
        return f"introduce comes first: apply {new} alone, before {change.address} moves"
    if phase is Phase.RETIRE and isinstance(after, Presents):
        return f"repoint comes first: apply the move of {change.address} alone"
    if isinstance(before, Presents):
        old = own or before.id
        back = f"let {change.address} take its id from {old} again, and move it in a later change"
    else:
        back = f"take {POINTER} of {change.address} out of this change"
    return f"{back}; {edits}" if names else back


def _remedy(phase: Expected) -> str:
    if phase == "next":
        return (
            "keep the change to the next phase of each rotation, which `tfcert patch` writes, and "
            "plan again"
        )
    return (
        f"keep the change to what the phase's patch does (`tfcert patch --phase {phase}`), and "
        "plan again"
    )


RULE = Rule(
    name="plan-exceeds-phase",
    severity=Severity.ERROR,
    says="with --expect: the plan does more, less or other than the phase",
    check=check,
    judges=Judges.EACH,
    mildest=Severity.ERROR,
    mildest_because="only --expect asks for it",
    needs=Needs.PHASE,
    headline=DO_NOT_APPLY,
    subject=Subject.RUN,
)
