"""A plan, or the next apply, destroys or replaces a certificate that a stage presents.

The stage may present it in state or in AWS.

## Why
Terraform deletes the old certificate *before* it moves the stage, whenever one plan does both. AWS
then refuses the deletion for ever, or the calls break. A stage outside Terraform is not even in the
plan.

tfcert judges a state together with its configuration. Where the block of a certificate in use is
missing there, the next apply destroys the certificate. A `removed` block with `destroy = false`
only takes it out of the state, and a `moved` block renames it.

## Example
The certificate's block is removed in the change that repoints the stage; or `-replace`; or a block
renamed with `moved`.

```hcl
# The block of "orders" was removed in the same change that repoints the stage.
resource "aws_api_gateway_client_certificate" "orders_202611" {
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders_202611.id # was orders.id
}
```

## How to fix
Keep the certificate until no stage presents it: repoint, apply, and only then remove it. Stages
that the same plan destroys do not count.

## How to exempt
This finding cannot be exempted.

## Source
terraform internal/terraform/transform_destroy_edge.go; the order of the calls was also observed in
a run.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.observation import Surveyed
from checker.model.places import Place
from checker.model.plan import Action, CertificateChange
from checker.model.resources import Stage
from checker.model.severity import Severity
from checker.rules.base import DO_NOT_APPLY, Judges, Rule, list_stages, locate


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each certificate in use that a plan or the next apply destroys.

    The next apply is judged by a state and its configuration.
    """
    for document in cases.documents:
        plan = document.document.plan
        if plan is None:
            yield from _without_block(cases, document)
        for change in plan.certificates if plan is not None else ():
            identity = change.before.id if change.before is not None else None
            if not change.action.destroys or identity is None:
                continue
            case = document.by_id(identity)
            inside = _stages_that_stay(document, case) if case is not None else ()
            outside = _stages_in_aws(cases, document, case, identity)
            if inside or outside:
                found = _finding(document, change, identity, inside, outside)
                yield replace(found, about=case.subject) if case is not None else found


def _without_block(cases: Cases, document: DocumentCases) -> Iterator[Finding]:
    """Yield an error for each certificate in use whose block is missing in the configuration.

    The configuration still has the block of some recorded stage. A configuration without any block
    of the recorded stages belongs to another state, or everything is to be destroyed.
    """
    declared = document.document.declared
    if declared is None:
        return
    blocks = {
        stage.address.block for stage in document.document.stages if stage.address is not None
    }
    kept = {block for block in blocks if declared.stage(block) is not None}
    for case in document.cases if kept else ():
        address, identity = case.address, case.id
        recorded = (
            address is not None and identity is not None and case.certificate.kind == "gateway"
        )
        if not recorded or address is None or identity is None or not declared.lacks(address.block):
            continue
        removal = declared.removal(address.block)
        if case.certificate.deposed is not None or (
            removal is not None and removal.destroys is False
        ):
            continue
        presenters = case.subject.presented_by
        inside = tuple(
            stage
            for stage in presenters
            if stage.address is not None and stage.address.block in kept
        )
        outside = _stages_in_aws(cases, document, case, identity)
        if inside or outside:
            yield Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=RULE.severity,
                message=f"the configuration has no block of {address} any more: the next apply "
                f"would destroy certificate {identity} while it is presented by "
                f"{_who(inside, outside)}",
                remedy=_put_back(address),
                address=str(address),
                certificate_id=identity,
                location=locate(document, inside[0].address if inside else None),
                about=case.subject,
            )


def _who(inside: tuple[Stage, ...], outside: tuple[str, ...]) -> str:
    who = [list_stages(inside)] if inside else []
    if outside:
        who.append(
            f"in AWS {', '.join(outside[:3])}"
            f"{f' and {len(outside) - 3} more' if len(outside) > 3 else ''}"
        )
    return " and ".join(who)


def _finding(
    document: DocumentCases,
    change: CertificateChange,
    identity: str,
    inside: tuple[Stage, ...],
    outside: tuple[str, ...],
) -> Finding:
    # Imported here: few plans replace a certificate.
    from checker.rules.replaced import undo

    verb = "destroy" if change.action is Action.DELETE else "replace"
    return Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=RULE.severity,
        message=f"the plan would {verb} certificate {identity} while it is presented by "
        f"{_who(inside, outside)}",
        remedy=undo(change) or _remedy(document, change),
        address=str(change.address),
        certificate_id=identity,
        location=locate(document, change.address)
        or locate(document, inside[0].address if inside else None),
    )


def _remedy(document: DocumentCases, change: CertificateChange) -> str:
    """Return how to keep the certificate.

    A missing block comes first, since no patch can write it.
    """
    declared = document.document.declared
    block = change.address.block
    if declared is not None and declared.lacks(block):
        return _put_back(block)
    return (
        "keep it until no stage presents it: move the stages in a separate apply first "
        "(`tfcert patch`)"
    )


def _put_back(address: Address) -> str:
    block = address.block.in_module
    return (
        f"put the block of {block} back before anything is applied, then run `tfcert patch` for "
        "the next safe step"
    )


def _stages_that_stay(document: DocumentCases, case: Case) -> tuple[Stage, ...]:
    """Return the stages that present it now, less those that the same plan deletes."""
    plan = document.document.plan
    changes = plan.stages if plan is not None else ()
    leaving = {
        (change.address, change.deposed) for change in changes if change.action is Action.DELETE
    }
    return tuple(
        stage
        for stage in case.subject.presented_by
        if (stage.address, stage.deposed) not in leaving
    )


def _stages_in_aws(
    cases: Cases, document: DocumentCases, case: Case | None, identity: str
) -> tuple[str, ...]:
    """Return the stages that present it in AWS, and that the document does not know of."""
    home = case.subject.key.place if case is not None and case.subject.key is not None else Place()
    plan = document.document.plan
    known = {
        (stage.api_id, stage.name)
        for stage in (case.subject.presented_by if case is not None else ())
    }
    if plan is not None:
        known |= {
            (change.before.api_id, change.before.name)
            for change in plan.stages
            if change.action is Action.DELETE and change.before is not None
        }
    return tuple(
        str(stage)
        for place, survey in cases.observations.surveys.items()
        if isinstance(survey, Surveyed) and home.may_be(place)
        for stage in survey.stages
        if stage.certificate_id == identity and (stage.api_id, stage.name) not in known
    )


def _is_answered(_cases: Cases, document: DocumentCases, _case: Case) -> bool:
    """Return whether a plan or the configuration was read: a state alone shows no next apply."""
    return document.document.plan is not None or document.document.declared is not None


RULE = Rule(
    name="rotation-destroys-in-use",
    severity=Severity.ERROR,
    says="a plan or the next apply destroys or replaces a certificate that a stage presents",
    check=check,
    judges=Judges.FACTS,
    is_answered=_is_answered,
    mildest=Severity.ERROR,
    mildest_because="the apply would fail or cut callers off",
    exemptable=False,
    headline=DO_NOT_APPLY,
)
