"""Evaluating scopes in one pass gives the same findings as one pass for each set of scopes."""

from __future__ import annotations

import pytest
from builders import (
    CERTIFICATE,
    cases_of,
    certificate,
    document,
    lineage,
    making,
    moving,
    stage,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from world import HOME

from checker.analysis.certificate_uses import stage_key
from checker.analysis.scoping import Scoping
from checker.model.address import parse
from checker.model.conditions import Conditions
from checker.model.observation import Gone, ObservedStage, Unanswered
from checker.model.places import Place
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, Scope
from checker.model.resources import PresentsPlanned
from checker.model.rotation import Phase
from checker.model.severity import FailOn, Severity
from checker.rules import RULES
from checker.rules.base import Judges
from checker.rules.scoped import _key, _stricter, strictest_findings
from checker.rules.weighing import PlannedChanges, Weighing

NAMES = ("prod", "dev", "test")
ON_SOURCES = tuple(rule for rule in RULES if rule.judges is not Judges.EXEMPTIONS)


def plainly_strictest(scoping, rules):
    """Run every rule over everything, once for each set of scopes: the slow reference result."""
    cases = scoping.cases
    waiting = {()}
    for part in cases.documents:
        sides = [
            side
            for change in (part.document.plan.stages if part.document.plan is not None else ())
            for side in change.sides
        ]
        waiting.update(*(scoping.of_subject(part.document, case.subject) for case in part.cases))
        waiting.update(
            *(scoping.of_stages(part, (one,)) for one in (*part.document.stages, *sides))
        )
        waiting.update(
            scoping.of_place(case.subject.key.place)
            for case in part.cases
            if case.subject.key is not None
        )
    found = {}
    for matching in sorted(waiting, reverse=True):
        policy = cases.policy.under(matching)
        weighing = Weighing(cases.policy, policy, PlannedChanges(cases))
        answers = {}
        for rule in rules:
            if not weighing.is_off(rule):
                for finding in rule.check(replace(cases, policy=policy)):
                    if matching in scoping.of(finding):
                        answers.setdefault(_key(finding), []).append(
                            weighing.weighed(finding, rule)
                        )
        for key, answer in answers.items():
            found[key] = _stricter(found[key], answer, cases.policy) if key in found else answer
    return {finding for answer in found.values() for finding in answer}


values = st.fixed_dictionaries(
    {},
    optional={
        "threshold_days": st.integers(0, 40),
        "trust_window_days": st.integers(0, 9),
        "margin_days": st.integers(0, 20),
        "certificate_quota": st.sampled_from([1, 60, 61]),
        "fail_on": st.sampled_from([*FailOn]),
    },
)
conditions = st.one_of(
    st.sampled_from([*NAMES, "*", "t*"]).map(lambda name: Conditions(stage=(name,))),
    st.sampled_from(["a", "b", "?"]).map(
        lambda name: Conditions(address=(f"{CERTIFICATE}.{name}",))
    ),
    st.sampled_from(["us-*", "eu-*"]).map(lambda name: Conditions(region=(name,))),
    st.sampled_from(["x", "y*"]).map(lambda name: Conditions(tags=(("team", (name,)),))),
)
weights = st.dictionaries(
    st.sampled_from([rule.name for rule in ON_SOURCES if rule.mildest is None]),
    st.sampled_from([None, *Severity]),
    max_size=4,
)
scopes = st.lists(
    st.builds(
        lambda where, setting, rules: Scope(
            conditions=where,
            values=tuple(setting.items()),
            rules=tuple(sorted(rules.items())),
        ),
        conditions,
        values,
        weights,
    ),
    min_size=1,
    max_size=5,
)
answers = st.sampled_from([None, Gone(), Unanswered(reason="away", remedy="log in")])
ids = st.sampled_from(["a", "b", "lost", None])


@st.composite
def runs(draw):
    certificates = [
        replace(certificate(name, draw(st.integers(-2, 70))), tags=draw(tags)) for name in "ab"
    ]
    stages = [stage(name, draw(ids)) for name in NAMES]
    plan = draw(
        st.sampled_from(
            [
                None,
                Plan(),
                Plan(certificates=(making("new"), making("a", Action.DELETE))),
                Plan(stages=(moving("prod", "a", "b"), moving("dev", "b", None))),
                Plan(
                    certificates=(making("new"),),
                    stages=(
                        moving("prod", "a", PresentsPlanned((parse(f"{CERTIFICATE}.new"),))),
                        moving("test", "a", "b", changed=frozenset({"description"})),
                    ),
                ),
            ]
        )
    )
    declared = draw(st.sampled_from([None, lineage(a=None, b="a", new="b")]))
    first = document(certificates, stages, plan, declared)
    second = replace(
        document([certificate("a", 5)], [stage("prod", "a")]),
        source=replace(first.source, path="other.json"),
        workspace="blue",
    )
    answer = draw(answers)
    expect = draw(st.sampled_from([None, "next", *Phase]))
    policy = Policy(scopes=tuple(draw(scopes)))
    cases = cases_of(
        first,
        second,
        answers={"b": answer} if answer is not None else None,
        survey=draw(st.sampled_from([None, []])),
        expect=expect,
        policy=policy,
    )
    shown = {
        stage_key(one): ObservedStage(
            kind=one.kind, api_id="api1", name=one.name, certificate_id=other
        )
        for one in stages
        if (other := draw(ids)) is not None
    }
    held = draw(st.sampled_from([{}, {Place(None, HOME.account, HOME.region): 60}]))
    return replace(
        cases, observations=replace(cases.observations, stages=shown, certificate_counts=held)
    )


tags = st.sampled_from([None, (("team", "x"),), (("team", "yes"), ("env", "x"))])


@settings(max_examples=300, deadline=None)
@given(runs())
def test_each_object_has_the_findings_of_its_own_scopes_alone(cases):
    """The one-pass findings equal the reference for plans, drift, quotas, phases and weights."""
    scoping = Scoping(cases)
    assert set(strictest_findings(scoping, ON_SOURCES)) == plainly_strictest(scoping, ON_SOURCES)


class _Sealed:
    """A policy that raises on any attribute access."""

    def __getattribute__(self, name):
        raise AssertionError(f"a rule about facts asks the policy for {name}")


@pytest.mark.parametrize(
    "rule", [rule for rule in ON_SOURCES if rule.judges is Judges.FACTS], ids=lambda rule: rule.name
)
def test_a_rule_about_facts_asks_the_policy_for_nothing_that_a_scope_changes(rule):
    """A rule about facts reads nothing from the policy, so it needs to run only once."""
    plan = Plan(
        certificates=(making("new"), making("a", Action.REPLACE)),
        stages=(
            moving("prod", "a", None),
            moving("dev", "b", PresentsPlanned((parse(f"{CERTIFICATE}.new"),))),
        ),
    )
    stages = [stage(name, "a") for name in NAMES]
    for found in (document([certificate("a"), certificate("b")], stages, plan), document()):
        cases = cases_of(found, survey=[])
        list(rule.check(replace(cases, policy=_Sealed())))


def test_a_rule_about_each_certificate_looks_at_its_own_alone():
    """Forty scopes over separate stages cost one pass, not forty."""
    names = [f"s{number}" for number in range(40)]
    own = [certificate(f"c{number}", 10) for number in range(40)]
    found = document(own, [stage(name, f"c{number}") for number, name in enumerate(names)])
    policy = Policy(
        scopes=tuple(
            Scope(conditions=Conditions(stage=(name,)), values=(("threshold_days", 5 + number),))
            for number, name in enumerate(names)
        )
    )
    judged = []

    def check(cases):
        judged.extend(case.id for part in cases.documents for case in part.judged)
        return iter(())

    for kind, times in ((Judges.EACH, 1), (Judges.PLACE, 1)):
        judged.clear()
        rule = replace(ON_SOURCES[0], check=check, judges=kind)
        strictest_findings(Scoping(cases_of(found, policy=policy)), (rule,))
        assert sorted(judged) == sorted(one.id for one in own) * times
