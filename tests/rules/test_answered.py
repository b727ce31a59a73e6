"""Which rules have an answer about a certificate: only those pass in AWS's own format (ASFF)."""

from __future__ import annotations

import pytest
from builders import (
    backend,
    cases_of,
    certificate,
    document,
    known,
    lineage,
    moving,
    stage,
)
from msgspec.structs import replace

from checker.analysis.certificate_uses import stage_key
from checker.model.observation import Gone, ObservedStage, Unanswered
from checker.model.plan import Plan
from checker.model.policy import Policy
from checker.model.resources import StageKind
from checker.rules import RULES


def answered(rule, cases, position=0):
    """Return whether a rule has an answer about a certificate of the first document."""
    (found,) = (each for each in RULES if each.name == rule)
    part = cases.documents[0]
    return found.is_answered(cases, part, part.cases[position])


@pytest.mark.parametrize("rule", ["rotation-destroys-in-use", "rotation-overdue"])
def test_a_state_alone_shows_no_next_apply_and_no_successor(rule):
    assert not answered(rule, cases_of(document()))
    assert answered(rule, cases_of(document(declared=lineage(old=None))))
    planned = cases_of(document(plan=Plan()))
    assert answered(rule, planned) is (rule == "rotation-destroys-in-use")


def test_drift_is_answered_where_aws_answered_about_every_recorded_stage():
    stages = [stage("prod", "old"), stage("beta", "old")]
    cases = cases_of(document(stages=stages))
    seen = ObservedStage(kind=StageKind.REST, api_id="api1", name="prod", certificate_id="old")
    denied = Unanswered(reason="denied", remedy="grant it")
    for answers, expected in (
        ((seen, seen), True),
        ((seen, Gone()), True),
        ((seen, denied), False),
        ((denied, seen), False),
        ((seen,), False),
        ((), False),
    ):
        found = {stage_key(one): answer for one, answer in zip(stages, answers, strict=False)}
        observations = replace(cases.observations, stages=found)
        one = replace(cases, observations=observations)
        assert answered("certificate-drifted", one) is expected, answers


def test_trust_is_answered_where_every_backend_is_known_to_trust_the_certificate():
    """Of the certificate that stages present now, and of the one that the plan gives them."""
    plan = Plan(stages=(moving("prod", "old", "new"), moving("beta", "old", "new")))
    stages = [stage("prod", "old"), stage("beta", "old")]
    found = document([known("old", 12), known("new", 360)], stages, plan=plan)
    prod, beta = (f"aws_api_gateway_stage.{name}" for name in ("prod", "beta"))
    every = (prod, beta)
    for backends, now, then in (
        ((backend("old", stages=every),), True, False),
        ((backend("new", stages=every),), False, True),
        ((backend("old", "new", stages=every, server="go"),), True, True),
        ((backend("old", "new", stages=every, server="alb"),), False, False),
        ((backend("old", "new", stages=(prod,), server="go"),), False, False),
        ((), False, False),
    ):
        cases = cases_of(found, policy=Policy(backends=backends))
        assert answered("trust-outdated", cases, 0) is now
        assert answered("trust-missing", cases, 1) is then


def test_a_certificate_that_no_stage_presents_leaves_nothing_to_ask_a_backend():
    cases = cases_of(document([certificate("old")], []))
    assert answered("trust-outdated", cases)
    assert answered("trust-missing", cases)
