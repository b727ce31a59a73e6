"""A stage names a certificate of another region or another account.

## Why
API Gateway lets a stage present only a certificate of its own account and region. AWS refuses
another id at apply, or the id names another certificate by chance. Either way the stage does not
present the certificate that tfcert watches.

## Example
A stage in eu-west-1 whose `client_certificate_id` is the id of a certificate that state has in
us-east-1.

```hcl
resource "aws_api_gateway_client_certificate" "orders" {
  provider = aws.us_east_1
}

resource "aws_api_gateway_stage" "live" {
  provider              = aws.eu_west_1
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}
```

## How to fix
Make a certificate with the stage's own provider (region and account). Have the backend trust it,
and point the stage to it.

## How to exempt
Exempt the rule for the stage's address until a date.

## Source
AWS, API Gateway developer guide: a client certificate belongs to an account and region. An ACM
certificate must be of the API's account and region, and its ARN names both. Ids may collide: where
AWS has the id in the stage's own account and region, there is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.analysis.certificate_uses import stages_after
from checker.model.address import Address
from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.observation import Found
from checker.model.places import Place, place_of_arn
from checker.model.plan import Plan
from checker.model.resources import Presents, PresentsPlanned, Stage, kind_of
from checker.model.severity import Severity
from checker.rules.base import Judges, Rule, locate, stage_name


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each stage that presents a certificate recorded only elsewhere.

    The stage presents it now or after the plan.
    """
    homes: dict[str, set[Place]] = {}
    for case in cases.all:
        if case.id is not None and case.address is not None:
            homes.setdefault(case.id, set()).add(case.certificate.place)
    for document in cases.documents:
        planned = _planned_places(document.document.plan)
        for stage in dict.fromkeys((*document.document.stages, *stages_after(document.document))):
            named, identity = "", None
            elsewhere: Place | None = None
            match stage.presents:
                case Presents(id=found):
                    named = identity = found
                    elsewhere = _elsewhere(cases, found, stage, homes)
                case PresentsPlanned(candidates=(first, *_) as candidates, elsewhere=False):
                    named = str(first)
                    elsewhere = _planned_elsewhere(planned, candidates, stage)
                case _:
                    pass
            if elsewhere is not None:
                yield Finding(
                    rule=RULE.name,
                    source=document.document.source.path,
                    severity=RULE.severity,
                    message=f"{stage_name(stage)} ({stage.place}) names certificate "
                    f"{named}, which is of {elsewhere}",
                    remedy="make a certificate in the stage's own account and region, and point "
                    "the stage to that",
                    address=str(stage.address) if stage.address is not None else None,
                    certificate_id=identity,
                    location=locate(document, stage.address),
                    about=(stage,),
                )


def _planned_places(plan: Plan | None) -> dict[Address, Place]:
    return {
        change.address: change.after.place
        for change in (plan.certificates if plan is not None else ())
        if change.after is not None and change.deposed is None
    }


def _planned_elsewhere(
    planned: dict[Address, Place], candidates: tuple[Address, ...], stage: Stage
) -> Place | None:
    """Return the place of a planned certificate, where no candidate can be of the stage's place."""
    places = [planned.get(address, stage.place) for address in candidates]
    if any(place.may_be(stage.place) for place in places):
        return None
    return min(places, key=str)


def _elsewhere(
    cases: Cases, identity: str, stage: Stage, homes: dict[str, set[Place]]
) -> Place | None:
    """Return the place of the certificate, where none of its possible places can be the stage's."""
    places = {place_of_arn(identity)} if kind_of(identity) == "acm" else homes.get(identity, set())
    if not places or any(place.may_be(stage.place) for place in places):
        return None
    if kind_of(identity) == "gateway" and isinstance(
        cases.observations.answer_for(identity, stage.place), Found
    ):
        return None
    return min(places, key=str)


RULE = Rule(
    name="certificate-elsewhere",
    severity=Severity.ERROR,
    says="a stage names a certificate of another region or another account",
    check=check,
    judges=Judges.FACTS,
)
