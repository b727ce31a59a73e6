"""Situations in which a rule has little to go by: what is gone, elsewhere, unnamed or of unknown age."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    CERTIFICATE,
    STAGE,
    cases_of,
    certificate,
    document,
    findings,
    lineage,
    making,
    moving,
    said,
    stage,
)
from msgspec.structs import replace
from world import NOW

from checker.model.conditions import Conditions
from checker.model.exemptions import Exemption
from checker.model.finding import SuppressedBy
from checker.model.inventory import Source
from checker.model.location import Location
from checker.model.observation import Gone
from checker.model.plan import Action, Plan
from checker.model.policy import Policy
from checker.model.severity import Severity


def aged(name, days, left=None):
    """Return a recorded certificate that was created this many days ago."""
    return replace(
        certificate(name, 365 - days if left is None else left),
        created_at=NOW - timedelta(days=days),
    )


OLD, NEW = aged("old", 353), aged("new", 5)


def beyond(plan, declared, *known, presents="old"):
    cases = cases_of(
        document(list(known), [stage("prod", presents)], plan, declared), expect="next"
    )
    return [each.message for each in findings(cases, "plan-exceeds-phase")]


def test_a_certificate_that_aws_does_not_have_is_gone_and_not_expired():
    """One error is enough: what is gone needs another certificate, whatever its end was."""
    ended = document([certificate("old", -3)])
    assert said(cases_of(ended)) == {"certificate-expired": "error"}
    assert said(cases_of(ended, answers={"old": Gone()})) == {"certificate-gone": "error"}


@pytest.mark.parametrize(
    ("declared", "made", "known", "beside"),
    [
        (lineage(old=None, new="old", newer="old"), "newer", (OLD, NEW), "new"),
        (lineage(old=None, new="old", newer="old"), "newer", (OLD, certificate("new", -5)), None),
        (
            lineage(old=None, new="old", newer="old", newest="old"),
            "newest",
            (OLD, certificate("new", -5), aged("newer", 5)),
            "newer",
        ),
        (lineage(old=None, new="old", newer="old", newest="old"), "newest", (OLD,), None),
    ],
)
def test_a_second_successor_is_refused_only_beside_one_that_still_serves(
    declared, made, known, beside
):
    """A successor that ended before its predecessor may be replaced by another one."""
    found = beyond(Plan(certificates=(making(made),)), declared, *known)
    if beside is None:
        assert found == []
    else:
        (message,) = found
        assert f"beside {CERTIFICATE}.{beside}, which is in state" in message


BOTH = lineage(old=None, new="old")


@pytest.mark.parametrize(
    ("plan", "declared", "known", "presents", "why"),
    [
        (
            Plan(stages=(moving("prod", "away", "new"),)),
            BOTH,
            (NEW,),
            "away",
            "moves to new, which does not succeed away",
        ),
        (
            Plan(stages=(moving("prod", "old", "new"),)),
            BOTH,
            (OLD, certificate("new", None)),
            "old",
            "moves to new, whose age is not known",
        ),
        (
            Plan(certificates=(replace(making("old", Action.DELETE), before=certificate("x")),)),
            lineage(new=None),
            (NEW,),
            "new",
            "and the prior state does not have it",
        ),
    ],
)
def test_a_plan_about_something_unknown_is_no_next_phase(plan, declared, known, presents, why):
    """Whatever the state does not show is not taken for granted."""
    (message,) = beyond(plan, declared, *known, presents=presents)
    assert why in message


def exempt(rule, where, **names):
    return Exemption(
        rule=rule,
        until=NOW.date() + timedelta(days=3),
        reason="moved soon",
        kind=SuppressedBy.POLICY,
        location=Location("tfcert.toml", 3),
        where=where,
        **{"addresses": frozenset(), "certificate_id": None, **names},
    )


@pytest.mark.parametrize(("region", "counts"), [("us-east-1", False), ("eu-west-1", True)])
def test_an_exemption_of_a_stage_counts_where_its_conditions_do(region, counts):
    """A finding about a stage has the place of that stage."""
    entry = exempt(
        "stage-without-certificate",
        Conditions(region=(region,)),
        addresses=frozenset({f"{STAGE}.bare"}),
    )
    bare = document([certificate("old", 300)], [stage("prod", "old"), stage("bare", None)])
    policy = Policy(exemptions=(entry,), rules=(("stage-without-certificate", Severity.WARNING),))
    (found,) = findings(cases_of(bare, policy=policy), "stage-without-certificate")
    assert (found.suppression is None) is counts


def test_a_stage_without_a_known_place_is_not_compared_with_aws():
    """Without its API's id nobody can say which stage of AWS it is."""
    unknown = replace(stage("prod", "old"), api_id=None)
    cases = cases_of(document(None, [unknown, stage("beta", "old")]))
    assert findings(cases, "certificate-drifted") == []


def test_a_plan_that_deletes_an_api_is_about_its_own_stages_only():
    """A stage of another API keeps its certificate."""
    kept = replace(stage("beta", "old"), api_id="api2")
    plan = Plan(deleted_apis=frozenset({"api1"}))
    found = findings(cases_of(document([certificate("old", 300)], [stage("prod", "old"), kept], plan)), "stage-detached")  # fmt: skip
    assert [each.address for each in found] == [f"{STAGE}.prod"]


@pytest.mark.parametrize(("left", "rule"), [(-3, "certificate-expired"), (0.5, "rotation-overdue")])
def test_a_stale_plan_is_no_cure(left, rule):
    """The plan would move the stages, but the state has it already: it is to be made again."""
    known = [certificate("old", left), NEW]
    plan = Plan(stages=(moving("prod", "old", "new"),))
    planned = document(known, [stage("prod", "old")], plan, BOTH)
    applied = replace(
        document(known, [stage("prod", "new")], declared=BOTH),
        source=Source(path="state.json", kind="state"),
    )
    (alone,) = findings(cases_of(planned), rule)
    assert "this plan" in alone.remedy
    found = [
        each for each in findings(cases_of(planned, applied), rule) if each.source == "plan.json"
    ]
    assert [each.remedy.startswith("make the plan again") for each in found] == [True]
