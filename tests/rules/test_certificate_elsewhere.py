"""Tests of certificate-elsewhere: a stage in one region or account, its certificate in another."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, findings, making, moving, said, stage
from msgspec.structs import replace
from world import HOME

from checker.model.observation import CertificateKey, Found, Gone
from checker.model.places import Place
from checker.model.plan import Action, Plan
from checker.model.resources import PresentsPlanned

RULE = "certificate-elsewhere"
WEST = Place("aws", HOME.account, "us-west-2")
THEIRS = Place("aws", "222222222222", "us-east-1")
UNPLACED = Place()
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def pair(of_stage, of_certificate=HOME, identity="old"):
    one = replace(stage("prod", identity), place=of_stage)
    made = replace(certificate("old", 300), place=of_certificate)
    return cases_of(document([made], [one]), asked=False)


@pytest.mark.parametrize(
    ("of_stage", "of_certificate", "weight"),
    [
        (HOME, HOME, None),
        (WEST, HOME, "error"),
        (THEIRS, HOME, "error"),
        (UNPLACED, HOME, None),
        (WEST, UNPLACED, None),
        (WEST, Place("aws", None, "us-west-2"), None),
    ],
)
def test_a_pair_across_regions_or_accounts_is_an_error(of_stage, of_certificate, weight):
    """A stage and a certificate in different regions or accounts are an error; an unknown place is
    not.
    """
    assert said(pair(of_stage, of_certificate)).get(RULE) == weight


@pytest.mark.parametrize(
    ("of_stage", "weight"), [(HOME, None), (WEST, "error"), (THEIRS, "error"), (UNPLACED, None)]
)
def test_the_arn_of_acm_says_where_it_is_of(of_stage, weight):
    """An ACM ARN of another region or account than the stage is an error."""
    assert said(pair(of_stage, identity=ARN)).get(RULE) == weight


def test_it_names_both_places():
    """The message names both regions, and the finding has the stage's address."""
    (finding,) = findings(pair(WEST), RULE)
    assert "us-west-2" in finding.message
    assert "us-east-1" in finding.message
    assert finding.address == "aws_api_gateway_stage.prod"


@pytest.mark.parametrize("there", [WEST, THEIRS])
@pytest.mark.parametrize(("answer", "found"), [(Gone(), True), ("found", False)])
def test_ids_may_collide_across_regions_and_accounts(answer, found, there):
    """There is no finding if AWS has the same id in the stage's own account and region."""
    cases = pair(there)
    made = certificate("old", 300)
    said_there = answer if isinstance(answer, Gone) else Found(expires_at=made.expires_at)
    answers = {
        CertificateKey(id="old", place=HOME): Found(expires_at=made.expires_at),
        CertificateKey(id="old", place=there): said_there,
    }
    cases = replace(
        cases, observations=replace(cases.observations, asked=True, certificates=answers)
    )
    assert bool(findings(cases, RULE)) == found


def test_a_plan_that_would_make_such_a_pair_is_told_before():
    """A plan that would create such a pair has one finding, although the stage is recorded too."""
    change = moving("prod", None, "old")
    change = replace(
        change, after=replace(change.after, place=WEST), before=replace(change.before, place=WEST)
    )
    recorded = replace(stage("prod", None), place=WEST)
    cases = cases_of(document([certificate("old", 300)], [recorded], plan=Plan(stages=(change,))))
    assert len(findings(cases, RULE)) == 1


@pytest.mark.parametrize(
    ("regions", "weight"),
    [
        (("us-east-1",), None),
        (("us-west-2",), "error"),
        ((None,), None),
        (("us-west-2", "us-east-1"), None),
        (("us-west-2", "eu-west-1"), "error"),
    ],
)
def test_a_planned_certificate_of_another_region_is_an_error(regions, weight):
    """A new stage must not take a certificate that the plan creates in another region."""
    changes = [
        replace(made, after=replace(made.after, place=replace(HOME, region=region)))
        for made, region in zip(map(making, ("one", "two")), regions, strict=False)
    ]
    presents = PresentsPlanned(tuple(change.address for change in changes))
    change = moving("prod", None, presents, Action.CREATE)
    plan = Plan(certificates=tuple(changes), stages=(change,))
    cases = cases_of(document([], [], plan))
    assert said(cases).get(RULE) == weight
    unsure = replace(
        change, after=replace(change.after, presents=replace(presents, elsewhere=True))
    )
    cases = cases_of(document([], [], replace(plan, stages=(unsure,))))
    assert RULE not in said(cases)
