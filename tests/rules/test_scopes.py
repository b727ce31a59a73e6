"""Scopes: the last match wins, several stages get the strictest result, and no scope relaxes by
accident.
"""

from __future__ import annotations

import itertools

import pytest
from builders import (
    CERTIFICATE,
    STAGE,
    cases_of,
    certificate,
    document,
    findings,
    making,
    moving,
    said,
    stage,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from world import HOME

from checker.analysis.certificate_uses import stage_key
from checker.model.address import parse
from checker.model.conditions import Conditions
from checker.model.inventory import Inventory
from checker.model.observation import Found, Observations, ObservedStage, Unanswered
from checker.model.outcome import Outcome
from checker.model.places import Place
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, Scope, Untouched, strictest
from checker.model.resources import PresentsPlanned
from checker.model.severity import FailOn, Severity
from checker.rotation.planner import plan_rotations
from checker.rules import RULES, judge


def scope(values=(), rules=(), **conditions):
    given_as = {
        name: (value,) if isinstance(value, str) else value for name, value in conditions.items()
    }
    return Scope(
        conditions=Conditions(**given_as),
        values=tuple(dict(values).items()),
        rules=tuple(sorted(dict(rules).items())),
    )


def outcome(cases):
    return Outcome(cases=cases, findings=judge(cases), rotations=())


def days_left(left, *scopes, stages=("prod",), **policy):
    """Return the severity of certificate-expiring with this many days left, under these scopes."""
    found = document([certificate("old", left)], [stage(name, "old") for name in stages])
    return said(cases_of(found, policy=Policy(scopes=scopes, **policy))).get("certificate-expiring")


def test_a_scope_sets_another_threshold_for_what_it_means():
    """A scope's threshold applies to the stages that it matches, and to no others."""
    prod = scope({"threshold_days": 45}, stage="prod")
    assert days_left(40, prod) == "error"
    assert days_left(40, prod, stages=("dev",)) == "warning"
    assert days_left(40) == "warning"


NAMES = ("prod", "dev", "test")
PATTERNS = ("prod", "dev", "*", "t*")


@given(
    st.lists(st.tuples(st.sampled_from(PATTERNS), st.integers(1, 50)), max_size=5),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    st.integers(0, 60),
)
def test_the_last_scope_that_matches_wins_and_of_several_stages_the_strictest(scopes, stages, left):
    """The last matching scope wins, and of several stages the strictest, as a simple oracle
    computes.
    """
    made = [scope({"threshold_days": days}, stage=pattern) for pattern, days in scopes]
    thresholds = []
    for name in stages:
        threshold = 30
        for pattern, days in scopes:
            if pattern in (name, "*") or (pattern == "t*" and name.startswith("t")):
                threshold = days
        thresholds.append(threshold)
    expected = "error" if left <= max(thresholds) else "warning"
    assert days_left(left, *made, stages=stages) == expected


@given(st.permutations(["prod", "dev", "test"]), st.data())
def test_the_order_of_stages_changes_nothing(order, data):
    """The order of stages does not change the result."""
    rules = {name: data.draw(st.sampled_from([None, *Severity])) for name in NAMES}
    fails = {name: data.draw(st.sampled_from([*FailOn])) for name in NAMES}
    scopes = tuple(
        scope({"fail_on": fails[name]}, {"certificate-expiring": rules[name]}, stage=name)
        for name in NAMES
    )
    codes = set()
    for stages in (order, NAMES):
        cases = cases_of(
            document(None, [stage(name, "old") for name in stages]), policy=Policy(scopes=scopes)
        )
        found = outcome(cases)
        codes.add((found.exit_code, tuple((one.severity, one.rule) for one in found.findings)))
    assert len(codes) == 1
    alone = {
        outcome(
            cases_of(document(None, [stage(name, "old")]), policy=Policy(scopes=scopes))
        ).exit_code
        for name in NAMES
    }
    assert codes.pop()[0] == max(alone)


@pytest.mark.parametrize(
    ("conditions", "meant"),
    [
        ({"address": f"{CERTIFICATE}.old"}, True),
        ({"address": f"{STAGE}.prod"}, True),
        ({"address": f"{STAGE}.dev"}, False),
        ({"account": "123456789012"}, True),
        ({"account": "999999999999"}, False),
        ({"region": "us-*"}, True),
        ({"region": "eu-*"}, False),
        ({"stage": "prod", "region": "eu-*"}, False),
        ({"api": "orders"}, True),
        ({"api": "billing"}, False),
        ({"tags": (("team", ("a",)),)}, True),
        ({"tags": (("team", ("b",)),)}, False),
        ({"tags": (("tier", ("gold",)),)}, True),
        ({"workspace": "blue"}, True),
        ({"workspace": "green"}, False),
        ({"directory": "live/*"}, True),
        ({"directory": "test/*"}, False),
    ],
)
def test_each_condition_is_held_against_the_certificate_and_its_stage(conditions, meant):
    """Each condition matches by address, tags, place or document of the certificate or
    its stage.
    """
    own = replace(certificate("old", 40), tags=(("team", "a"),))
    shown = replace(stage("prod", "old"), tags=(("tier", "gold"),), api_name="orders")
    found = replace(document([own], [shown]), workspace="blue", directory="/home/us/live/eu")
    policy = Policy(scopes=(scope({"threshold_days": 45}, **conditions),), homes=("/home/us",))
    assert said(cases_of(found, policy=policy)) == {
        "certificate-expiring": "error" if meant else "warning"
    }


def test_i4_a_scope_by_what_is_not_known_does_not_match():
    """I4: a condition on an unknown value does not match, so nothing is relaxed by accident."""
    nowhere = replace(
        document(
            [replace(certificate("old"), place=Place())],
            [replace(stage("prod", "old"), place=Place())],
        )
    )
    for conditions in (
        {"account": "*"},
        {"region": "*"},
        {"workspace": "*"},
        {"directory": "**"},
        {"api": "*"},
        {"tags": (("a", ("*",)),)},
    ):
        policy = Policy(
            scopes=(scope({"fail_on": FailOn.NEVER}, {"certificate-expiring": None}, **conditions),)
        )
        found = outcome(cases_of(nowhere, policy=policy, asked=False))
        assert found.exit_code == 1, conditions


def test_a_rule_that_is_off_finds_nothing_and_one_that_is_lowered_no_longer_fails():
    """A rule that is off has no finding, and a lowered rule does not fail, globally or in
    a scope.
    """
    for weight, code, weights in (
        (None, 0, []),
        (Severity.NOTE, 0, [Severity.NOTE]),
        (Severity.WARNING, 0, [Severity.WARNING]),
    ):
        for policy in (
            Policy(rules=(("certificate-expiring", weight),)),
            Policy(scopes=(scope(rules={"certificate-expiring": weight}, stage="prod"),)),
        ):
            found = outcome(cases_of(document(), policy=policy))
            assert (found.exit_code, [one.severity for one in found.findings]) == (code, weights)


def test_a_heavier_weight_never_raises_what_a_rule_weakens_by_itself():
    """A configured error does not raise findings that a rule itself lowers, such as a notice or a
    fixing plan.
    """
    heavy = Policy(rules=tuple(sorted((rule.name, Severity.ERROR) for rule in RULES)))
    assert said(cases_of(document([certificate("old", 45)]), policy=heavy)) == {
        "certificate-expiring": "warning"
    }
    cure = document(plan=Plan(certificates=(making("new"),)))
    assert said(cases_of(cure, policy=heavy)) == {"certificate-expiring": "warning"}
    late = document(
        [certificate("old"), certificate("new", 300)],
        plan=Plan(stages=(moving("prod", "old", "new"),)),
    )
    fresh = {
        "new": Found(
            expires_at=certificate("new", 300).expires_at, created_at=certificate("x", 0).expires_at
        )
    }
    assert said(cases_of(late, policy=heavy, answers=fresh))["rotation-premature"] == "error"


def test_i4_certificate_unverified_makes_the_verdict_inconclusive_whatever_it_weighs():
    """I4: certificate-unverified makes the verdict inconclusive at every configured severity."""
    away = {"old": Unanswered(reason="no credentials", remedy="log in")}
    for weight in (Severity.NOTE, Severity.WARNING, Severity.ERROR):
        policy = Policy(rules=(("certificate-unverified", weight),), untouched=Untouched.NOTE)
        found = outcome(cases_of(document([certificate("old", 300)]), answers=away, policy=policy))
        assert (str(found.verdict), found.exit_code) == ("inconclusive", 3)


def test_fail_on_of_a_scope_decides_for_what_it_means():
    """`fail_on` of a scope applies to its stages; for a shared certificate the strictest counts."""
    scopes = (
        scope({"fail_on": FailOn.WARNING}, stage="prod"),
        scope({"fail_on": FailOn.NEVER}, stage="dev"),
    )
    policy = Policy(scopes=scopes)

    def code(left, *names):
        return outcome(
            cases_of(
                document([certificate("old", left)], [stage(name, "old") for name in names]),
                policy=policy,
            )
        ).exit_code

    assert [
        code(45, "prod"),
        code(12, "dev"),
        code(12, "test"),
        code(45, "test"),
        code(45, "prod", "dev"),
    ] == [1, 0, 1, 0, 1]
    assert (
        str(outcome(cases_of(document(None, [stage("dev", "old")]), policy=policy)).verdict)
        == "findings"
    )


def test_what_the_command_line_says_stands_over_every_scope():
    """Command-line options in `overrides` take precedence over every scope."""
    prod = scope({"threshold_days": 45, "fail_on": FailOn.WARNING}, stage="prod")
    policy = Policy(
        scopes=(prod,),
        threshold_days=5,
        fail_on=FailOn.NEVER,
        overrides=(("fail_on", FailOn.NEVER), ("threshold_days", 5)),
    )
    found = outcome(cases_of(document([certificate("old", 12)]), policy=policy))
    assert ([one.severity.word for one in found.findings], found.exit_code) == (["warning"], 0)


def test_deadlines_of_a_shared_certificate_are_the_earliest_of_its_stages():
    """A shared certificate gets the earliest deadlines that its stages' scopes give."""
    scopes = (
        scope({"margin_days": 20}, stage="prod"),
        scope({"trust_window_days": 9}, stage="dev"),
        scope({"notice_days": 90}, stage="test"),
    )
    cases = cases_of(
        document([certificate("old", 80)], [stage(name, "old") for name in NAMES]),
        policy=Policy(scopes=scopes),
    )
    (rotation,) = plan_rotations(cases)
    end = certificate("old", 80).expires_at
    assert (rotation.repoint_by, rotation.introduce_by) == (end - 20 * DAY, end - 29 * DAY)
    lonely = cases_of(
        document([certificate("old", 80)], [stage("prod", "old")]), policy=Policy(scopes=scopes)
    )
    assert plan_rotations(lonely) == ()


DAY = certificate("a", 1).expires_at - certificate("a", 0).expires_at


def _policy(**numbers):
    return Policy(**numbers)


@given(
    st.lists(
        st.builds(
            _policy,
            threshold_days=st.integers(0, 90),
            margin_days=st.integers(0, 9),
            certificate_quota=st.integers(1, 9),
        ),
        min_size=1,
    )
)
def test_the_strictest_of_several_policies_is_none_laxer_than_any(policies):
    """The strictest of several policies is at least as strict as each of them, in every number."""
    found = strictest(policies)
    for one in policies:
        assert found.threshold_days >= one.threshold_days
        assert found.margin_days >= one.margin_days
        assert found.certificate_quota <= one.certificate_quota


def test_the_quota_of_a_place_is_that_of_its_scope():
    """A scope sets the quota of a place by account or region; other conditions do not match a
    place.
    """

    def quota(*scopes):
        cases = cases_of(document(), policy=Policy(scopes=scopes))
        held = replace(
            cases.observations, certificate_counts={Place(None, HOME.account, HOME.region): 60}
        )
        return [
            one.message for one in findings(replace(cases, observations=held), "certificate-quota")
        ]

    assert len(quota()) == 1
    assert quota(scope({"certificate_quota": 100}, region="us-east-1")) == []
    assert quota(scope({"certificate_quota": 100}, account="123456789012")) == []
    assert len(quota(scope({"certificate_quota": 100}, stage="prod"))) == 1
    (told,) = quota(
        scope({"certificate_quota": 100}, region="us-*"),
        scope({"certificate_quota": 55}, region="us-east-1"),
    )
    assert "60 of 55" in told
    # A scope with region and stage is about the stage; a scope with region only is about the place.
    (told,) = quota(
        scope({"certificate_quota": 55}, region="us-*"), scope({"threshold_days": 31}, stage="prod")
    )
    assert "60 of 55" in told
    # The place has its own quota even if every certificate in it has another one.
    (told,) = quota(
        scope({"certificate_quota": 55}, region="us-*"), scope({"certificate_quota": 99}, stage="*")
    )
    assert "60 of 55" in told


@pytest.mark.parametrize("most", [Untouched.WARNING, Untouched.NOTE])
def test_untouched_keeps_a_plan_from_failing_for_what_it_leaves_alone(most):
    """`untouched` lowers the finding if the plan changes neither the certificate nor any of its
    stages.
    """

    def weight(plan, stages=("prod",)):
        found = document(None, [stage(name, "old") for name in stages], plan)
        return [
            one.severity.word
            for one in findings(
                cases_of(found, policy=Policy(untouched=most)), "certificate-expiring"
            )
        ]

    still = moving("prod", "old", "old", Action.NO_OP)
    assert weight(Plan(stages=(still,))) == [most.value]
    assert weight(Plan()) == [most.value]
    assert weight(Plan(stages=(moving("prod", "old", "old"),))) == ["error"]
    assert weight(Plan(stages=(still, moving("dev", "old", "old"))), ("prod", "dev")) == ["error"]
    assert weight(Plan(stages=(still, moving("dev", "other", "other"))), ("prod",)) == [most.value]
    assert weight(Plan(certificates=(making("old", Action.UPDATE),))) == ["error"]
    assert weight(Plan(stages=(replace(still, previous_address=parse(f"{STAGE}.was")),))) == [
        "error"
    ]
    assert weight(Plan(errored=True)) == ["error"]
    assert weight(Plan(deferred=(f"{STAGE}.prod",))) == ["error"]
    assert weight(None) == ["error"]


def test_untouched_holds_for_an_expired_certificate_and_in_a_scope_too():
    """`untouched` also lowers certificate-expired, and works in a scope."""
    old = [certificate("old", -1)]
    capped = Policy(scopes=(scope({"untouched": Untouched.WARNING}, stage="prod"),))
    assert said(cases_of(document(old, plan=Plan()), policy=capped)) == {
        "certificate-expired": "warning"
    }
    assert said(cases_of(document(old, plan=Plan()))) == {"certificate-expired": "error"}
    assert said(cases_of(document(old, [stage("dev", "old")], Plan()), policy=capped)) == {
        "certificate-expired": "error"
    }


def test_a_stage_that_may_present_several_certificates_stands_under_its_own_scopes():
    """A stage that may present several certificates is matched by scopes about the stage, not about
    a certificate.
    """
    planned = PresentsPlanned((parse(f"{CERTIFICATE}.a"), parse(f"{CERTIFICATE}.b")))
    plan = Plan(certificates=(making("a"), making("b")), stages=(moving("prod", "old", planned),))
    for conditions, weight in (
        ({"stage": "prod"}, "note"),
        ({"address": f"{CERTIFICATE}.a"}, "error"),
    ):
        policy = Policy(scopes=(scope(rules={"rotation-unstaged": Severity.NOTE}, **conditions),))
        assert said(cases_of(document(plan=plan), policy=policy))["rotation-unstaged"] == weight


def test_many_scopes_over_many_stages_stay_one_pass_each():
    """With many scopes and stages, no finding is lost, doubled or assigned to another document."""
    names = [f"s{number}" for number in range(40)]
    scopes = tuple(
        scope({"threshold_days": 5 + number}, stage=f"s*{number}") for number in range(5)
    )
    own = [certificate(f"c{number % 7}", 10 + number % 7) for number in range(7)]
    first = document(own, [stage(name, f"c{number % 7}") for number, name in enumerate(names)])
    second = replace(first, source=replace(first.source, path="other.json"))
    found = judge(cases_of(first, second, policy=Policy(scopes=scopes)))
    pairs = [(one.source, one.address) for one in found if one.rule == "certificate-expiring"]
    assert len(pairs) == len(set(pairs)) == 14
    assert {source for source, _ in pairs} == {"plan.json", "other.json"}


def test_the_same_findings_come_out_with_scopes_that_change_nothing():
    """A scope that repeats the default threshold does not change any finding of a plan."""
    plan = Plan(
        certificates=(making("new"), making("old", Action.REPLACE)),
        stages=(
            moving("prod", "old", None),
            moving("dev", "old", PresentsPlanned((parse(f"{CERTIFICATE}.new"),))),
        ),
    )
    found = document(None, [stage("prod", "old"), stage("dev", "old"), stage("test", "lost")], plan)
    plain = [replace(one, about=None) for one in judge(cases_of(found))]
    for pattern in itertools.chain(NAMES, ["*"]):
        policy = Policy(scopes=(scope({"threshold_days": 30}, stage=pattern),))
        assert [replace(one, about=None) for one in judge(cases_of(found, policy=policy))] == plain
    assert {one.rule for one in plain} >= {
        "stage-detached",
        "rotation-unstaged",
        "rotation-destroys-in-use",
        "certificate-unverified",
    }


def test_stages_without_an_address_are_told_apart():
    """Stages without an address, as in a scan, each get their own scopes and findings."""
    nameless = [replace(stage(name, "lost"), address=None, api_id=f"api-{name}") for name in NAMES]
    scopes = (
        scope(rules={"certificate-drifted": Severity.ERROR}, stage="prod"),
        scope({"threshold_days": 5}, stage="dev"),
    )
    cases = cases_of(document([], nameless), policy=Policy(scopes=scopes))
    shown = {
        stage_key(each): ObservedStage(
            kind=each.kind, api_id=each.api_id, name=each.name, certificate_id=None
        )
        for each in nameless
    }
    cases = replace(cases, observations=replace(cases.observations, stages=shown))
    found = [
        (name, one.severity.word)
        for one in findings(cases, "certificate-drifted")
        for name in NAMES
        if f"/{name} " in one.message
    ]
    assert sorted(found) == [("dev", "warning"), ("prod", "error"), ("test", "warning")]


def test_an_empty_run_has_no_findings_under_any_policy():
    """A run without documents has no findings under any policy."""
    cases = cases_of(policy=Policy(scopes=(scope({"threshold_days": 3}, stage="*"),)))
    assert judge(cases) == ()
    assert cases.observations == Observations(asked=True)
    assert Inventory(documents=()).stages == ()
