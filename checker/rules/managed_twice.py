"""Two states claim one stage or client certificate.

## Why
Both configurations write the resource. A rotation by one of them is taken back by the next apply of
the other, or it destroys a certificate that the other still presents.

## Example
A module was moved to a state of its own, and never taken out of the old one. Both states have this
certificate, with one id.

```hcl
resource "aws_api_gateway_client_certificate" "backend" {
  description = "backend"
}
```

## How to fix
Decide which state keeps the resource, and run `terraform state rm ADDRESS` where the other one is.
If one of the two is an old copy of a state, delete it, or leave it out with `--exclude`.

## How to exempt
Exempt the rule for the resource's address until a date.

## Source
Terraform documentation, "State": a resource is bound to one object in one state. Two states are
those of two files; a plan and the state that it was made from are one. Ids are compared with their
account and region, where both states name them.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.certificate_uses import stage_key
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.resources import Stage
from checker.model.severity import Severity
from checker.rules.base import Judges, Rule, Subject, certificate_finding, locate, stage_name

_Claim = tuple[DocumentCases, Case | Stage]


def check(cases: Cases) -> Iterator[Finding]:
    """Yield a warning for each resource that more than one state manages, in the first of them."""
    claims: dict[tuple[str, ...], list[_Claim]] = {}
    for document in cases.documents:
        if document.document.source.kind in {"state", "directory"}:
            for key, thing in _managed(document):
                claims.setdefault(key, []).append((document, thing))
    for claimed in claims.values():
        # Nearly every resource has one state.
        if len(claimed) > 1:
            yield from _overlaps(claimed)


def _overlaps(left: list[_Claim]) -> Iterator[Finding]:
    while len(left) > 1:
        first, *rest = left
        same = [claim for claim in rest if _are_one(first, claim)]
        if same:
            yield _finding(first, same)
        left = [claim for claim in rest if claim not in same]


def _managed(document: DocumentCases) -> Iterator[tuple[tuple[str, ...], Case | Stage]]:
    for case in document.cases:
        if case.id is not None and case.address is not None and not case.address.data:
            yield ("certificate", case.id), case
    for stage in document.document.stages:
        key = stage_key(stage)
        if key is not None and stage.address is not None and not stage.address.data:
            yield (str(key.kind), key.api_id, key.name), stage


def _are_one(one: _Claim, other: _Claim) -> bool:
    """Return whether two states mean one resource.

    An id may be there again in another account or region. Different PEMs are different
    certificates.
    """
    (document, first), (elsewhere, second) = one, other
    if document.document.source.path == elsewhere.document.source.path:
        return False
    if isinstance(first, Case) and isinstance(second, Case):
        prints = {first.certificate.fingerprint, second.certificate.fingerprint} - {None}
        return len(prints) < 2 and first.certificate.place.may_be(second.certificate.place)
    return (
        isinstance(first, Stage) and isinstance(second, Stage) and first.place.may_be(second.place)
    )


def _finding(first: _Claim, rest: list[_Claim]) -> Finding:
    document, thing = first
    others = sorted({each.document.source.path for each, _ in rest})
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    by = f"is managed by this state and by {', '.join(others[:_SHOWN])}{more}"
    match thing:
        case Case():
            message = f"certificate {thing.id} {by}"
            return certificate_finding(thing, document, RULE.name, RULE.severity, message, _REMEDY)
        case Stage():
            return Finding(
                rule=RULE.name,
                source=document.document.source.path,
                severity=RULE.severity,
                message=f"{stage_name(thing)} {by}",
                remedy=_REMEDY,
                address=str(thing.address),
                location=locate(document, thing.address),
                about=(thing,),
            )


_SHOWN = 3
_REMEDY = (
    "keep it in one state, and run `terraform state rm` in the other; if one is an old copy, "
    "delete it, or leave it out"
)

RULE = Rule(
    name="managed-twice",
    severity=Severity.WARNING,
    says="two states manage one stage or client certificate",
    check=check,
    judges=Judges.FACTS,
    # One state cannot show that no other one manages it.
    subject=Subject.RUN,
)
