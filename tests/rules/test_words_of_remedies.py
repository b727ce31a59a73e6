"""Parse the remedies of rules and apply the values that they name; then the finding is gone."""

from __future__ import annotations

import re

import pytest
from builders import (
    CERTIFICATE,
    STAGE,
    cases_of,
    certificate,
    certificate_at,
    document,
    findings,
    lineage,
    making,
    moving,
    said,
    stage,
)
from msgspec.structs import replace
from world import HOME

from checker.model.address import Address
from checker.model.places import Place
from checker.model.plan import Action, DeploymentChange, Plan, WrittenStage
from checker.model.policy import Policy
from checker.model.resources import PresentsPlanned
from checker.model.severity import Severity

WEST = Place("aws", HOME.account, "us-west-2")
THEIRS = Place("aws", "222222222222", "us-east-1")
KEPT = moving("prod", "old", "old", Action.NO_OP, frozenset())
ELSEWHERE = PresentsPlanned((), elsewhere=True)
WRITES = DeploymentChange(
    address=Address("aws_api_gateway_deployment", "d"),
    action=Action.REPLACE,
    writes=(WrittenStage(api_id=None, name="prod"),),
)


def only(cases, rule):
    (found,) = findings(cases, rule)
    return found


@pytest.mark.parametrize("there", [WEST, THEIRS])
def test_a_certificate_is_made_where_the_stage_is(there):
    """After a certificate is created in the stage's account and region, and the stage uses it, no
    rule reports.
    """
    shown = replace(stage("prod", "old"), place=there)
    old = certificate("old", 300)
    found = only(cases_of(document([old], [shown]), asked=False), "certificate-elsewhere")
    assert (
        found.remedy
        == "make a certificate in the stage's own account and region, and point the stage to that"
    )
    assert found.address == f"{STAGE}.prod"
    new = replace(certificate("new", 365), place=there)
    pointed = replace(stage("prod", "new"), place=there)
    assert said(cases_of(document([old, new], [pointed]), asked=False)) == {}


def test_a_stage_without_one_is_given_one_in_an_apply_of_its_own():
    """A plan that creates the certificate, then one that sets the named attribute, end
    the finding.
    """
    rule = "stage-without-certificate"
    policy = Policy(rules=((rule, Severity.WARNING),))
    bare = stage("prod", None)
    found = only(cases_of(document([], [bare]), policy=policy), rule)
    (attribute,) = re.findall(
        r"make one, have the backend trust it, then name it in (\w+), in a separate apply",
        found.remedy,
    )
    made = Plan(certificates=(making("new"),))
    assert set(said(cases_of(document([], [bare], made), policy=policy))) == {rule}
    new = certificate("new", 365)
    named = Plan(stages=(moving("prod", None, "new", changed=frozenset({attribute})),))
    assert said(cases_of(document([new], [bare], named), policy=policy)) == {}
    assert said(cases_of(document([new], [stage("prod", "new")]), policy=policy)) == {}


def test_a_second_successor_is_removed_and_the_first_goes_on():
    """After the block that the remedy names is removed, the plan passes and the other successor
    continues.
    """
    there = [certificate("old"), certificate("one", 350)]
    plan = Plan(certificates=(making("two"),))
    found = only(
        cases_of(document(there, plan=plan, declared=lineage(old=None, one="old", two="old"))),
        "rotation-unstaged",
    )
    block, other = re.findall(rf"{CERTIFICATE}\.(\w+)", found.remedy)
    assert found.remedy.startswith("remove the block of")
    kept = {
        name: None if name == "old" else "old" for name in ("old", "one", "two") if name != block
    }
    moved = Plan(stages=(moving("prod", "old", other),))
    assert "rotation-unstaged" not in said(
        cases_of(document(there, plan=Plan(), declared=lineage(**kept)))
    )
    assert set(said(cases_of(document(there, plan=moved, declared=lineage(**kept))))) == {
        "certificate-expiring"
    }


@pytest.mark.parametrize("way", ["keep the API", "delete the stage in the same plan"])
def test_an_api_keeps_its_stage(way):
    """Both ways that the remedy names, keep the API or delete the stage too, end the finding."""
    kept = moving("prod", "old", "old", Action.NO_OP, frozenset())
    leaves = moving("prod", "old", None, Action.DELETE)
    deleted = frozenset({"api1"})
    found = only(
        cases_of(
            document([certificate("old", 300)], plan=Plan(stages=(kept,), deleted_apis=deleted))
        ),
        "stage-detached",
    )
    assert way in found.remedy.split(", or ")
    plan = (
        Plan(stages=(kept,))
        if way == "keep the API"
        else Plan(stages=(leaves,), deleted_apis=deleted)
    )
    assert said(cases_of(document([certificate("old", 300)], plan=plan))) == {}


@pytest.mark.parametrize("action", [Action.REPLACE, Action.DELETE])
def test_a_certificate_is_kept_until_no_stage_presents_it(action):
    """After a plan that only moves the stage, the same destroy is no finding."""
    planned = PresentsPlanned((certificate_at("old"),)) if action is Action.REPLACE else "new"
    wrong = Plan(certificates=(making("old", action),), stages=(moving("prod", "old", planned),))
    there = [certificate("old", 300), certificate("new", 350)]
    declared = lineage(old=None, new="old")
    found = only(
        cases_of(document(there, plan=wrong, declared=declared)), "rotation-destroys-in-use"
    )
    assert (
        found.remedy
        == "keep it until no stage presents it: move the stages in a separate apply first (`tfcert patch`)"
    )
    first = Plan(stages=(moving("prod", "old", "new"),))
    assert said(cases_of(document(there, plan=first, declared=declared))) == {}
    then = Plan(certificates=(making("old", Action.DELETE),))
    assert said(cases_of(document(there, [stage("prod", "new")], then, declared))) == {}


OPEN = {
    "take stage_name out of the deployment": (
        Plan(stages=(KEPT,), deployments=(WRITES,)),
        Plan(stages=(KEPT,), deployments=(replace(WRITES, writes=()),)),
    ),
    "plan again with known values": (
        Plan(stages=(KEPT,), deployments=(WRITES,)),
        Plan(
            stages=(KEPT,),
            deployments=(replace(WRITES, writes=(WrittenStage(api_id="api1", name="other"),)),),
        ),
    ),
    "apply this plan, then plan again and check that one": (
        Plan(deferred=(f"{STAGE}.prod",)),
        Plan(),
    ),
    "plan again once that is applied": (
        Plan(stages=(moving("prod", "old", ELSEWHERE),)),
        Plan(stages=(moving("prod", "old", "new"),)),
    ),
    "fix the error that `terraform plan` reports, and plan again": (Plan(errored=True), Plan()),
}


@pytest.mark.parametrize("way", OPEN)
def test_a_plan_that_leaves_something_open_is_made_again(way):
    """The plan that the remedy asks for ends certificate-unverified."""
    there = [certificate("old", 300), certificate("new", 350)]
    before, after = OPEN[way]
    assert way in only(cases_of(document(there, plan=before)), "certificate-unverified").remedy
    assert said(cases_of(document(there, plan=after))) == {}
