"""Tests of stage-detached: a plan removes a stage's certificate, directly or through another
resource.
"""

from __future__ import annotations

import pytest
from builders import STAGE, cases_of, document, findings, moving, stage, stage_at
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.plan import (
    Action,
    DeploymentChange,
    Plan,
    StageChange,
    StageClash,
    UnknownChange,
    WrittenStage,
)

RULE = "stage-detached"


def deployment(action=Action.REPLACE, api_id="api1", name="prod"):
    return DeploymentChange(
        address=Address("aws_api_gateway_deployment", "d"),
        action=action,
        writes=(WrittenStage(api_id=api_id, name=name),),
    )


def kept():
    """Return stage `prod` without a change."""
    return moving("prod", "old", "old", Action.NO_OP, frozenset())


@pytest.mark.parametrize(
    "action", [Action.REPLACE, Action.REPLACE_CREATE_FIRST, Action.CREATE, Action.DELETE]
)
@pytest.mark.parametrize("changes", [(), (kept(),)])
def test_a_deployment_that_writes_the_stage(action, changes):
    """A deployment that writes the stage is an error, because the stage resource does not send its
    certificate again.
    """
    plan = Plan(stages=changes, deployments=(deployment(action),))
    (found,) = findings(cases_of(document(plan=plan)), RULE)
    assert found.severity.word == "error"
    assert found.address == f"{STAGE}.prod"
    assert "aws_api_gateway_deployment.d" in found.message
    assert "does not send the certificate again" in found.message


def test_a_stage_that_is_given_another_certificate_meanwhile():
    """If the plan also gives the stage another certificate, the stage presents none until then."""
    plan = Plan(stages=(moving("prod", "old", "new"),), deployments=(deployment(),))
    (found,) = findings(cases_of(document(plan=plan)), RULE)
    assert "until then it presents none" in found.message


@pytest.mark.parametrize(
    "plan",
    [
        Plan(stages=(kept(),), deployments=(deployment(name="dev"),)),
        Plan(stages=(kept(),), deployments=(deployment(api_id="api2"),)),
        Plan(stages=(kept(),), deployments=(replace(deployment(), writes=()),)),
        Plan(
            stages=(moving("prod", "old", None, Action.DELETE),),
            deployments=(deployment(Action.DELETE),),
        ),
        Plan(stages=(moving("prod", "old", "old", Action.REPLACE),), deployments=(deployment(),)),
    ],
)
def test_what_takes_nothing_off(plan):
    """Another stage, a deployment without a stage name, and a deleted or re-created stage are no
    findings.
    """
    assert not findings(cases_of(document(plan=plan)), RULE)


def test_a_stage_without_a_certificate_loses_none():
    """A stage without a certificate is no finding."""
    plan = Plan(deployments=(deployment(),))
    assert not findings(cases_of(document(stages=[stage("prod", None)], plan=plan)), RULE)


def test_i4_a_deployment_whose_stage_is_not_known_is_not_clean():
    """I4: a deployment whose API or stage name is unknown until apply is unverified."""
    for written in (deployment(api_id=None), deployment(name=None)):
        cases = cases_of(document(plan=Plan(stages=(kept(),), deployments=(written,))))
        assert not findings(cases, RULE)
        (found,) = findings(cases, "certificate-unverified")
        assert "has stage_name" in found.message


def test_an_api_that_is_deleted_under_its_stage():
    """Deleting the API of a stage that stays in state is a finding, because AWS deletes the stage
    too.
    """
    (found,) = findings(
        cases_of(document(plan=Plan(stages=(kept(),), deleted_apis=frozenset({"api1"})))), RULE
    )
    assert "deletes API api1" in found.message
    leaving = Plan(
        stages=(moving("prod", "old", None, Action.DELETE),), deleted_apis=frozenset({"api1"})
    )
    assert not findings(cases_of(document(plan=leaving)), RULE)


def test_a_second_resource_for_the_same_stage_that_is_deleted():
    """Deleting a second resource for the same stage is a finding about the stage."""
    other = replace(stage("prod", "old"), address=Address("awscc_apigateway_stage", "t"))
    gone = StageChange(address=other.address, action=Action.DELETE, before=other, after=None)
    (found,) = findings(
        cases_of(document(stages=[stage("prod", "old"), other], plan=Plan(stages=(kept(), gone)))),
        RULE,
    )
    assert (found.address, "awscc_apigateway_stage.t" in found.message) == (f"{STAGE}.prod", True)


def test_i4_what_a_plan_leaves_unsaid_is_not_clean():
    """I4: a plan with an unknown change, such as a CloudFormation stack, is unverified."""
    unknown = UnknownChange(
        message="m", remedy="r", address=Address("aws_cloudformation_stack", "x")
    )
    (found,) = findings(
        cases_of(document(plan=Plan(unknown_changes=(unknown,)))), "certificate-unverified"
    )
    assert (found.message, found.remedy, found.address) == ("m", "r", "aws_cloudformation_stack.x")


def test_a_deposed_stage_still_presents_its_certificate():
    """A deposed stage object is judged and named as deposed; a plan that deletes it takes no
    certificate from the remaining stage.
    """
    deposed = replace(stage("prod", "old"), deposed="12345678")
    alone = cases_of(document(stages=[stage("prod", None), deposed]))
    (found,) = findings(alone, "certificate-expiring")
    assert f"{STAGE}.prod (deposed object 12345678)" in found.message
    leaving = replace(moving("prod", "old", None, Action.DELETE), deposed="12345678")
    cases = cases_of(document(stages=[stage("prod", None), deposed], plan=Plan(stages=(leaving,))))
    assert [one.address for one in cases.all[0].subject.to_be_presented_by] == []
    assert stage_at("prod") == deposed.address


@pytest.mark.parametrize(
    ("action", "remedy"),
    [(Action.REPLACE, "terraform state rm"), (Action.CREATE, "then plan again")],
)
def test_a_stage_that_a_deployment_creates_first(action, remedy):
    """A stage that a deployment creates first is an error: AWS refuses to create it again, and it
    has no certificate.
    """
    old = stage("prod", "old")
    clash = StageClash(
        deployment=Address("aws_api_gateway_deployment", "d"), action=action, stage=old, before=old
    )
    plan = Plan(stages=(moving("prod", "old", "old", Action.REPLACE),), clashes=(clash,))
    (found,) = findings(cases_of(document(plan=plan)), RULE)
    assert (found.severity.word, found.address, found.certificate_id) == (
        "error",
        f"{STAGE}.prod",
        "old",
    )
    assert "creates the stage first" in found.message
    assert remedy in found.remedy
