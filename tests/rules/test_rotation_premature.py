"""Tests of rotation-premature: a stage moves before the trust window of its backend is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    PRINTS,
    backend,
    cases_of,
    certificate,
    consuming,
    document,
    findings,
    known,
    moving,
    said,
)
from msgspec.structs import replace
from world import NOW

from checker.model.observation import Found
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, WindowWaiver
from checker.model.trust import ProbeEvidence, TrustStatus

RULE = "rotation-premature"
WINDOW = timedelta(days=3)
SECOND = timedelta(seconds=1)


def moved(age, *, recorded=False, before="old", action=Action.UPDATE, policy=None):
    made = NOW - age if age is not None else None
    new = replace(certificate("new", 360), created_at=made if recorded else None)
    answers = {} if recorded else {"new": Found(expires_at=new.expires_at, created_at=made)}
    plan = Plan(stages=(moving("prod", before, "new", action),))
    return cases_of(document([certificate("old"), new], plan=plan), answers=answers, policy=policy)


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    ("age", "found"),
    [(WINDOW, False), (WINDOW - SECOND, True), (timedelta(0), True), (None, False)],
)
def test_exactly_the_window_is_old_enough(age, found, recorded):
    """A successor exactly as old as the window passes.

    Its age comes from AWS or from state; without a date there is no finding.
    """
    assert (said(moved(age, recorded=recorded)).get(RULE) == "warning") == found


def test_it_says_from_when_on_the_plan_may_be_applied():
    """The remedy gives the date from which the plan may be applied."""
    (finding,) = findings(moved(timedelta(days=1)), RULE)
    assert "do not apply before 2026-11-25," in finding.remedy
    assert (finding.address, finding.certificate_id) == ("aws_api_gateway_stage.prod", "new")


def test_the_window_is_the_policys():
    """With a trust window of 0 days there is no finding."""
    assert RULE not in said(moved(timedelta(0), policy=Policy(trust_window_days=0)))


@pytest.mark.parametrize(
    ("waiver", "statuses", "found"),
    [
        ("confirmed", ("confirmed",), False),
        ("confirmed", ("confirmed", "confirmed"), False),
        ("confirmed", ("confirmed", "not confirmed"), True),
        ("confirmed", ("refused",), True),
        ("confirmed", (), True),
        ("never", ("confirmed",), True),
    ],
)
def test_a_waived_window_is_no_finding(waiver, statuses, found):
    """A waived window is no finding if the policy allows it and every backend of the stage is
    confirmed.
    """
    bundles = {"confirmed": ("new",), "not confirmed": (), "refused": ("old",)}
    backends = tuple(
        backend(*bundles[status], name=f"b{number}") for number, status in enumerate(statuses)
    )
    policy = Policy(backends=backends, trust_window_waiver=WindowWaiver(waiver))
    new = replace(known("new", 360), created_at=NOW)
    plan = Plan(stages=(moving("prod", "old", "new"),))
    cases = cases_of(document([certificate("old"), new], plan=plan), policy=policy)
    assert (RULE in said(cases)) == found


@pytest.mark.parametrize(
    ("declared", "probed", "found"),
    [
        ((), "confirmed", False),
        (((),), "confirmed", False),  # without a bundle, the probe decides
        (((),), "not confirmed", True),
        ((("new",),), "refused", True),
        ((("new",),), "not confirmed", False),
        ((("old",),), "confirmed", True),
    ],
)
def test_a_probe_confirms_and_a_refusal_of_either_source_counts(declared, probed, found):
    new = replace(known("new", 360), created_at=NOW)
    answer = ProbeEvidence(
        account=None,
        region=None,
        api_id="api1",
        stage="prod",
        backend="https://a:443",
        predecessor=PRINTS["old"],
        successor=PRINTS["new"],
        status=TrustStatus(probed),
        old=TrustStatus.CONFIRMED,
        reason="it answered",
    )
    policy = Policy(
        backends=tuple(backend(*names) for names in declared),
        trust_window_waiver=WindowWaiver.CONFIRMED,
    )
    plan = Plan(stages=(moving("prod", "old", "new"),))
    cases = cases_of(document([known("old"), new], plan=plan), policy=policy)
    assert (RULE in said(replace(cases, probed=(answer,)))) == found


@pytest.mark.parametrize(
    ("held", "others", "found"),
    [(("new",), 0, False), (("new",), 1, True), (("old", "new"), 0, True), (None, 0, True)],
)
def test_what_aws_has_waives_it_if_every_consumer_was_read_and_is_confirmed(held, others, found):
    declared, bundles = consuming(held, others=others)
    new = replace(known("new", 360), created_at=NOW)
    plan = Plan(stages=(moving("prod", "old", "new"),))
    policy = Policy(trust_window_waiver=WindowWaiver.CONFIRMED)
    cases = cases_of(document([known("old"), new], plan=plan, declared=declared), policy=policy)
    assert (RULE in said(replace(cases, held=bundles))) == found


@pytest.mark.parametrize(
    ("before", "action"), [("new", Action.NO_OP), (None, Action.UPDATE), ("old", Action.NO_OP)]
)
def test_a_stage_that_does_not_move_away_from_another_one_is_no_finding(before, action):
    """A stage that does not move away from another certificate is no finding."""
    assert RULE not in said(moved(timedelta(0), before=before, action=action))
