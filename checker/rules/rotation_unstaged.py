"""One plan creates or replaces a certificate and moves a stage to it.

## Why
The backend has no time to learn the new certificate: the stage presents it within the apply that
makes it. tfcert's own invariant is one phase per apply.

## Example
`terraform apply -replace=aws_api_gateway_client_certificate.orders`, with or without
`create_before_destroy`; or a new certificate and the stage's new reference in one change.

```hcl
resource "aws_api_gateway_client_certificate" "orders" {
  lifecycle {
    create_before_destroy = true # does not help: both steps are in one apply
  }
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}
```

A plan that makes a second successor of a certificate fails too: two certificates would wait for the
same stages.

## How to fix
Take the reference back. Apply the new certificate alone, let the backend trust it, then move the
stages: `tfcert patch` writes these steps. tfcert also recognises a new certificate that was written
manually, without the comment that names its predecessor. Of two successors, keep the one that is in
state.

## How to exempt
Exempt the rule for the stage's address until a date.

## Source
AWS, API Gateway developer guide, on rotating an expiring client certificate; Terraform's order of
calls, as observed in a run.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.progress import second_successors
from checker.model.address import Address
from checker.model.cases import Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.plan import Plan
from checker.model.resources import Presents, PresentsPlanned
from checker.model.severity import Severity
from checker.rules.base import DO_NOT_APPLY, Judges, Needs, Rule, locate


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each stage that a plan moves to a certificate that the same plan makes.

    Also yield one for each second successor that the plan makes.
    """
    for document in cases.documents:
        plan = document.document.plan
        yield from _second(cases, document)
        for change in plan.stages if plan is not None else ():
            match change.presented:
                case Presents(id=old), PresentsPlanned(candidates=(_, *_) as candidates):
                    made = " or ".join(map(str, candidates))
                    yield Finding(
                        rule=RULE.name,
                        source=document.document.source.path,
                        severity=RULE.severity,
                        message=f"one apply would make {made} and move {change.address} to it, "
                        f"away from {old}: the backend could not trust it in time",
                        remedy=_undone(plan, candidates) or _remedy(document, old),
                        address=str(change.address),
                        certificate_id=old,
                        location=locate(document, change.address),
                        about=change.sides,
                    )
                case _:
                    pass


def _undone(plan: Plan | None, candidates: tuple[Address, ...]) -> str | None:
    """Return how to remove the replacement from the plan, if Terraform gives a reason for it."""
    changes = [
        change
        for change in (plan.certificates if plan is not None else ())
        if change.address in candidates
    ]
    # Imported here: few plans replace a certificate.
    from checker.rules.replaced import undo

    return next((found for change in changes if (found := undo(change)) is not None), None)


def _remedy(document: DocumentCases, old: str) -> str:
    """Return how to separate the steps.

    For a successor that was written manually, it is the patch that leaves the successor to be
    applied alone.
    """
    case = document.by_id(old)
    declared = document.document.declared
    block = case.address.block if case is not None and case.address is not None else None
    if declared is not None and block is not None and not declared.successors(block):
        # Imported here: it is needed only for a certificate that lost its block.
        from checker.analysis.succession import Succession

        guess = Succession.of_cases(document).guess(block)
        if guess is not None and guess.moved and not guess.several and declared.lacks(block):
            return (
                f"put the block of {block.in_module} back before anything is applied, then run "
                "`tfcert patch`: it points the stage back to that, and keeps "
                f"{guess.successor.block.in_module} to be applied alone"
            )
        if (
            guess is not None
            and guess.moved
            and not guess.several
            and declared.certificate(block) is not None
        ):
            return (
                f"run `tfcert patch`: it points the stage back to {block.in_module} and keeps "
                f"{guess.successor.block.in_module}; apply that alone, have every backend trust "
                "it, then run `tfcert patch` again for repoint"
            )
    return (
        "apply the new certificate alone, have the backend trust it, then move the stage "
        "(`tfcert patch`)"
    )


def _second(cases: Cases, document: DocumentCases) -> Iterator[Finding]:
    for change, predecessor, other in second_successors(document, cases.policy):
        there = "is in state" if document.of_block(other) else "the same plan makes"
        yield Finding(
            rule=RULE.name,
            source=document.document.source.path,
            severity=RULE.severity,
            message=f"{change.address} would be a second successor of {predecessor}, beside "
            f"{other}, which {there}",
            remedy=f"remove the block of {change.address.block} before anything is applied; go on "
            f"with {other} (`tfcert patch`)",
            address=str(change.address),
            location=locate(document, change.address),
        )


RULE = Rule(
    name="rotation-unstaged",
    severity=Severity.ERROR,
    says="one plan creates or replaces a certificate and moves a stage to it",
    check=check,
    judges=Judges.FACTS,
    needs=Needs.PLAN,
    headline=DO_NOT_APPLY,
)
