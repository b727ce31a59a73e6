"""Situations where only part of the world is known: to a bundle, a scan, a stale plan, `untouched`."""

from __future__ import annotations

import pytest
from builders import (
    PRINTS,
    backend,
    cases_of,
    certificate,
    certificate_at,
    consuming,
    document,
    lineage,
    moving,
    said,
    stage,
)
from msgspec.structs import replace
from world import HOME

from checker.analysis.backend_trust import consumer_bundles
from checker.analysis.scan_inventory import Ownership
from checker.model.inventory import Inventory
from checker.model.observation import ObservedStage, StageKey
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, Untouched
from checker.model.resources import StageKind
from checker.model.severity import Severity
from checker.rotation.trust_bundle import trusted_certificates
from checker.rules import judge
from checker.rules.weighing import PlannedChanges


def needed(*certificates, stages=(), plan=None, declared=None):
    cases = cases_of(document(list(certificates), list(stages), plan, declared))
    return {str(each.case.id): each.why for each in trusted_certificates(cases, ())}


def test_without_the_configuration_an_unused_certificate_may_be_a_successor_until_it_ends():
    """One that has ended can be nobody's successor."""
    found = needed(certificate("old"), certificate("done", -2), stages=[stage("prod", "old")])
    assert set(found) == {"old"}
    found = needed(certificate("old"), certificate("new", 300), stages=[stage("prod", "old")])
    assert "it may be a successor" in found["new"]


def test_a_certificate_that_a_plan_lets_stages_present_is_needed_before_the_apply():
    """The stages present it as soon as the plan is applied."""
    plan = Plan(stages=(moving("prod", "old", "new"),))
    found = needed(certificate("old"), certificate("new", 300), stages=[stage("prod", "old")], plan=plan)  # fmt: skip
    assert found["new"] == "a plan lets stages present it"


def test_without_the_configuration_nothing_is_known_of_consumers():
    """Then no recorded resource counts as evidence."""
    cases = cases_of(document())
    held = replace(cases, held=consuming(("old",))[1])
    found = consumer_bundles(held, cases.documents[0].document, [certificate_at("old")])
    assert (found.held, found.others, found.absent) == ((), (), False)
    moved = Plan(stages=(moving("prod", "old", "new"),))
    known = [replace(certificate(each, 300), fingerprint=PRINTS[each]) for each in ("old", "new")]
    policy = Policy(backends=(backend("old"),))
    assert said(cases_of(document(known, plan=moved), policy=policy))["trust-missing"] == "error"


def test_a_stage_without_an_api_belongs_to_nobody_known():
    """It cannot be the stage that a scan sees; the next one can."""
    bare = replace(stage("prod", "old"), api_id=None)
    owners = Ownership(Inventory(documents=(document(None, [bare, stage("beta", "old")]),)), {})
    place = bare.place
    keys = [StageKey(kind=StageKind.REST, api_id="api1", name=each, place=place) for each in ("prod", "beta")]  # fmt: skip
    assert [owners.of_stage(each).record is not None for each in keys] == [False, True]


@pytest.mark.parametrize(("recorded", "stale"), [("prod", True), ("beta", False)])
def test_a_plan_that_creates_a_stage_that_is_there_is_stale(recorded, stale):
    """Another plan was applied since, and made the same stage."""
    plan = Plan(stages=(moving("prod", None, "old", Action.CREATE),))
    planned = document([certificate("old")], [], plan)
    state = replace(document([certificate("old")], [stage(recorded, "old")]))
    first, _ = cases_of(planned, state).documents
    assert (first.stale is not None) is stale


PRESENTED = {"prod": None, "beta": "old"}


@pytest.mark.parametrize(
    ("changed", "severity"), [(("prod",), "error"), (("beta",), "note"), ((), "note")]
)
def test_a_finding_about_a_stage_counts_where_the_plan_changes_it(changed, severity):
    """`untouched` lowers the findings about stages that the plan leaves as they are."""
    plan = Plan(
        stages=tuple(
            moving(each, PRESENTED[each], PRESENTED[each], changed=frozenset({"variables"}))
            for each in changed
        )
    )
    bare = [stage(each, presents) for each, presents in PRESENTED.items()]
    policy = Policy(
        untouched=Untouched.NOTE, rules=(("stage-without-certificate", Severity.ERROR),)
    )
    found = said(cases_of(document([certificate("old", 300)], bare, plan, lineage(old=None)), policy=policy))  # fmt: skip
    assert found["stage-without-certificate"] == severity


def test_a_certificate_of_acm_is_needed_and_its_pem_is_not_known():
    """ACM renews it under the same ARN, so a PEM in state may be an old one."""
    acm = replace(certificate("old"), kind="acm", pem="-----BEGIN CERTIFICATE-----")
    (found,) = trusted_certificates(cases_of(document([acm])), ())
    assert (found.pem, found.observed) == (None, False)


@pytest.mark.parametrize(("region", "count"), [("us-east-1", 1), ("eu-west-1", 0)])
def test_a_stage_that_a_scan_sees_counts_for_a_certificate_of_its_region(region, count):
    """Ids may collide across regions, so a stage elsewhere presents another certificate."""
    there = replace(certificate("old"), place=replace(HOME, region=region))
    seen = ObservedStage(kind=StageKind.REST, api_id="x", name="y", certificate_id="old")
    (case,) = cases_of(document([there], []), survey=[seen]).documents[0].cases
    assert len(case.subject.shown_by) == count


def test_a_finding_of_a_document_that_was_not_read_is_not_lowered():
    """What the plan of another document changes is not known."""
    plan = Plan(stages=(moving("beta", None, None, changed=frozenset({"variables"})),))
    changes = PlannedChanges(cases_of(document(plan=plan)))
    (own, *_) = judge(cases_of(document(plan=plan)))
    assert not changes.include(own)
    assert changes.include(replace(own, source="other.json"))
