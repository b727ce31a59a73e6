"""Tests of stage-without-certificate, which is off unless a policy enables it."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, findings, moving, said, stage
from msgspec.structs import replace

from checker.analysis.certificate_uses import stage_key
from checker.model.observation import ObservedStage
from checker.model.plan import Action, Plan
from checker.model.policy import Policy
from checker.model.resources import PresentsPlanned, StageKind
from checker.model.severity import Severity
from checker.rules import RULES

RULE = "stage-without-certificate"
ON = Policy(rules=((RULE, Severity.WARNING),))


def bare(**rest):
    """Return cases with the rule on: one stage without a certificate, and one that
    presents `old`.
    """
    plan, shown = rest.pop("plan", None), rest.pop("shown", stage("bare", None))
    cases = cases_of(
        document([certificate("old", 300)], [stage("prod", "old"), shown], plan), **rest
    )
    return replace(cases, policy=ON)


def test_it_is_off_until_a_policy_names_it():
    """The rule is off by default."""
    assert RULE not in said(replace(bare(), policy=Policy()))
    assert next(rule for rule in RULES if rule.name == RULE).weight is None


def test_a_stage_that_presents_nothing_is_said():
    """A stage without a certificate is one warning."""
    (finding,) = findings(bare(), RULE)
    assert finding.address == "aws_api_gateway_stage.bare"
    assert finding.severity is Severity.WARNING
    assert finding.message == "aws_api_gateway_stage.bare presents no certificate"
    assert finding.source == "plan.json"


@pytest.mark.parametrize(
    "shown",
    [
        stage("bare", "old"),
        stage("bare", PresentsPlanned(())),
        replace(stage("bare", None), kind=StageKind.WEBSOCKET),
    ],
    ids=["it presents one", "nobody knows", "it may be an HTTP API's"],
)
def test_what_presents_one_or_may_or_cannot_is_not(shown):
    """A stage with a certificate, with an unknown one, or of an HTTP API is no finding."""
    assert findings(bare(shown=shown), RULE) == []


def test_a_plan_counts_as_it_leaves_things():
    """A planned attachment ends the finding, a new stage without a certificate has one, and a
    detached one is stage-detached.
    """
    gives = Plan(stages=(moving("bare", None, "old"),), certificates=())
    makes = Plan(stages=(moving("new", None, None, Action.CREATE),), certificates=())
    takes = Plan(stages=(moving("prod", "old", None),), certificates=())
    assert findings(bare(plan=gives), RULE) == []
    assert {each.address for each in findings(bare(plan=makes), RULE)} == {
        "aws_api_gateway_stage.bare",
        "aws_api_gateway_stage.new",
    }
    assert [each.address for each in findings(bare(plan=takes), RULE)] == [
        "aws_api_gateway_stage.bare"
    ]
    assert [each.address for each in findings(bare(plan=takes), "stage-detached")] == [
        "aws_api_gateway_stage.prod"
    ]


def test_what_aws_shows_with_one_is_drift():
    """A stage that has a certificate in AWS but not in state is certificate-drifted instead."""
    cases = bare()
    key = stage_key(stage("bare", None))
    seen = ObservedStage(kind=StageKind.REST, api_id="api1", name="bare", certificate_id="old")
    shown = replace(cases, observations=replace(cases.observations, asked=True, stages={key: seen}))
    assert findings(shown, RULE) == []
    assert findings(shown, "certificate-drifted")


def test_a_stage_outside_terraform_has_no_address():
    (finding,) = findings(bare(shown=replace(stage("bare", None), address=None)), RULE)
    assert finding.address is None
    assert finding.location is None
