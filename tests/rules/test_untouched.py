"""What a plan leaves alone: `untouched` in a policy lowers only findings about that."""

from __future__ import annotations

import pytest
from builders import (
    cases_of,
    certificate,
    certificate_at,
    document,
    making,
    moving,
    stage,
    stage_at,
)
from msgspec.structs import replace
from world import HOME

from checker.model.finding import Finding
from checker.model.plan import Action, Plan
from checker.model.resources import PresentsNothing
from checker.model.severity import Severity
from checker.rules.weighing import PlannedChanges

STILL = Plan(stages=(moving("prod", "old", "old", Action.NO_OP),))
PROD, BETA = stage("prod", "old"), stage("beta", "new")


def touched(about, plan, source="plan.json"):
    """Return whether the plan changes what a finding is about, or that is not known."""
    certificates = [certificate("old"), certificate("new"), certificate("idle")]
    cases = cases_of(document(certificates, [PROD, BETA], plan))
    if isinstance(about, str):
        about = next(case.subject for case in cases.documents[0].cases if case.id == about)
    finding = Finding(
        rule="r", severity=Severity.ERROR, message="m", remedy="r", about=about, source=source
    )
    return PlannedChanges(cases).include(finding)


@pytest.mark.parametrize(
    ("about", "plan", "expected"),
    [
        ("old", STILL, False),
        ("old", Plan(stages=(moving("prod", "old", "old"),)), True),
        ("new", Plan(stages=(moving("prod", "old", "old"),)), False),
        ("new", Plan(stages=(moving("prod", "old", "new"),)), True),
        ("old", Plan(certificates=(making("old", Action.UPDATE),)), True),
        ("old", Plan(certificates=(making("new", Action.UPDATE),)), False),
        ("idle", Plan(certificates=(making("idle", Action.DELETE),)), True),
        ("idle", STILL, False),
        ((PROD,), STILL, False),
        ((PROD,), Plan(stages=(moving("prod", "old", "old"),)), True),
        ((PROD,), Plan(stages=(moving("beta", "new", "new"),)), False),
        ((BETA, PROD), Plan(stages=(moving("prod", "old", "old"),)), True),
        # A stage is touched by a change of the certificate that it presents.
        ((PROD,), Plan(certificates=(making("old", Action.UPDATE),)), True),
        ((PROD,), Plan(certificates=(making("new", Action.UPDATE),)), False),
        ((BETA, PROD), Plan(certificates=(making("old", Action.UPDATE),)), True),
        ((replace(PROD, presents=PresentsNothing()),), STILL, False),
        # Of these it is not known what they are about.
        (None, STILL, True),
        (HOME, STILL, True),
        ((replace(PROD, address=None),), STILL, True),
    ],
)
def test_a_plan_touches_what_it_changes(about, plan, expected):
    assert touched(about, plan) is expected


def test_a_state_and_a_plan_that_failed_leave_nothing_alone():
    assert touched("old", None)
    assert touched("old", replace(STILL, errored=True))
    assert touched("old", STILL, source="other.json")
    assert touched("old", STILL, source=None)


def test_an_import_a_move_and_a_deferred_change_are_changes():
    """Without any other action, too, under the old and under the new address."""
    (still,) = STILL.stages
    kept = replace(making("old", Action.UPDATE), action=Action.NO_OP)
    for plan in (
        Plan(stages=(replace(still, imported=True),)),
        Plan(stages=(replace(still, previous_address=stage_at("was")),)),
        Plan(stages=(replace(still, address=stage_at("is"), previous_address=stage_at("prod")),)),
        Plan(certificates=(replace(kept, imported=True),)),
        Plan(certificates=(replace(kept, previous_address=certificate_at("was")),)),
        Plan(deferred=(str(stage_at("prod")),)),
        Plan(deferred=(str(certificate_at("old")),)),
    ):
        assert touched("old", plan), plan
        assert not touched("new", plan), plan
    assert not touched("old", Plan(certificates=(kept,)))


def test_a_certificate_that_is_not_created_yet_is_always_touched():
    cases = cases_of(document(plan=STILL))
    subject = replace(cases.documents[0].cases[0].subject, key=None)
    assert touched(subject, STILL)


def test_each_source_is_judged_by_its_own_plan():
    first = document(plan=Plan(certificates=(making("old", Action.UPDATE),)))
    second = replace(document(plan=STILL), source=replace(first.source, path="other.json"))
    changes = PlannedChanges(cases := cases_of(first, second))
    subject = cases.documents[0].cases[0].subject
    for path, expected in (("plan.json", True), ("other.json", False), ("plan.json", True)):
        finding = Finding(
            rule="r", severity=Severity.ERROR, message="m", remedy="r", about=subject, source=path
        )
        assert changes.include(finding) is expected
