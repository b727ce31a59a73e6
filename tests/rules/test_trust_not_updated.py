"""Tests of trust-not-updated: an introduce plan leaves a consumer that needs both PEMs
unchanged.
"""

from __future__ import annotations

import pytest
from builders import (
    PRINTS,
    cases_of,
    certificate_at,
    document,
    findings,
    known,
    lineage,
    making,
    said,
    stage,
)
from msgspec.structs import replace
from world import NOW

from checker.model.address import Address
from checker.model.location import Location
from checker.model.plan import Action, ConsumerChange, Plan
from checker.model.rotation import Delivery, Phase, TrustConsumer
from checker.model.trust import BundleCertificate, HeldBundle

RULE = "trust-not-updated"
WHERE = Location("trust.tf", 7)
TRUST = Address("aws_ssm_parameter", "trust")


def consumer(delivery=Delivery.NEVER, **more):
    """Return an SSM parameter whose text has both PEMs."""
    return TrustConsumer(
        what="resource aws_ssm_parameter.trust",
        location=WHERE,
        delivery=delivery,
        effect="value_wo is write-only: Terraform sends it only when value_wo_version changes",
        needs="raise value_wo_version in the same apply",
        **{"place": "p", "both": True, "block": TRUST, **more},
    )


def held(*names, document="plan.json", key=None):
    """Return the recorded bundle of the parameter."""
    prints = tuple(
        BundleCertificate(fingerprint=PRINTS[name], subject="s", ends=NOW) for name in names
    )
    return HeldBundle(
        consumer=replace(TRUST, key=key),
        certificates=prints or None,
        source="plan plan.json",
        document=document,
    )


def planned(
    action=Action.NO_OP,
    *,
    one=None,
    expect=Phase.INTRODUCE,
    created=True,
    has=(),
    succeeds="old",
    address=TRUST,
):
    """Return cases of an introduce plan with this action on a consumer whose text has both PEMs."""
    declared = lineage(old=None, new=succeeds)
    old, new = declared.certificates
    own = one or consumer()
    # A place with both PEMs is a place of the successor too.
    new = replace(new, trust=(own,) if own.both else ())
    declared = replace(declared, certificates=(replace(old, trust=(own,)), new))
    plan = Plan(
        certificates=(making("new"),) if created else (),
        consumers=(ConsumerChange(address=address, action=action),),
    )
    recorded = [known("old", 12)] if created else [known("old", 12), known("new", 360)]
    found = document(recorded, [stage("prod", "old")], plan=plan, declared=declared)
    return cases_of(replace(found, held=has), expect=expect)


def test_a_place_with_both_pems_that_the_plan_does_not_change_is_an_error():
    """An unchanged consumer with both PEMs is an error with its line and the reason why Terraform
    skips it.
    """
    (found,) = findings(planned(), RULE)
    assert said(planned())[RULE] == "error"
    assert (found.address, found.location) == ("aws_ssm_parameter.trust", WHERE)
    assert "the plan does not change aws_ssm_parameter.trust" in found.message
    assert "sends it only when value_wo_version changes" in found.message


def test_its_remedy_ends_it():
    """After the version is raised, as the remedy says, the plan updates the parameter and
    passes.
    """
    (found,) = findings(planned(), RULE)
    assert found.remedy == "raise value_wo_version in the same apply; then make the plan again"
    assert RULE not in said(planned(Action.UPDATE))


@pytest.mark.parametrize(
    "action", [Action.UPDATE, Action.REPLACE, Action.REPLACE_CREATE_FIRST, Action.CREATE]
)
def test_a_place_that_changes_is_no_finding(action):
    assert RULE not in said(planned(action))


def test_a_place_whose_condition_leaves_the_pem_out_is_no_finding():
    """No PEM is recorded there; where one is, or where nothing is ever sent, the plan is at fault."""
    one = consumer(Delivery.SENT, only_if="`var.on` is true")
    assert RULE not in said(planned(one=one))
    assert RULE not in said(planned(one=one, has=(held(),)))
    assert RULE in said(planned(one=one, has=(held("old"),)))
    assert RULE in said(planned(one=consumer(only_if="`var.on` is true")))


@pytest.mark.parametrize("expect", [None, Phase.REPOINT, Phase.RETIRE])
def test_only_introduce_is_judged(expect):
    assert RULE not in said(planned(expect=expect))


def test_the_next_phase_counts_if_it_is_introduce():
    assert RULE in said(planned(expect="next"))
    assert RULE not in said(planned(expect="next", created=False, has=(held("old"),)))


@pytest.mark.parametrize(
    "one",
    [
        consumer(both=False),
        consumer(block=None),
        consumer(Delivery.READS),
        consumer(Delivery.ELSEWHERE),
        consumer(Delivery.CREATION),
        consumer(Delivery.FOLLOWS),
    ],
    ids=["one PEM", "no resource", "reads", "elsewhere", "creation", "hash"],
)
def test_a_place_that_the_plan_need_not_change_is_no_finding(one):
    assert RULE not in said(planned(one=one))


@pytest.mark.parametrize(
    "delivery", [Delivery.NEVER, Delivery.IGNORED, Delivery.BY_ID, Delivery.SENT]
)
def test_whatever_should_have_sent_it_the_plan_decides(delivery):
    assert RULE in said(planned(one=consumer(delivery)))


@pytest.mark.parametrize(
    ("has", "found"),
    [
        ((held("old", "new"),), False),
        ((held("new"),), False),
        ((held("old"),), True),
        ((held(),), False),  # write-only: an earlier apply may have sent it
        ((), False),
        ((held("old"), held("old", "new", document="other.json")), True),
    ],
)
def test_an_applied_successor_may_be_there_already(has, found):
    """After introduce, it is a finding only if a recorded bundle lacks the successor."""
    assert (RULE in said(planned(created=False, has=has))) == found


def test_a_successor_that_this_plan_creates_is_in_no_place_yet():
    assert RULE in said(planned(has=(held("old", "new"),)))


def test_a_certificate_that_succeeds_nothing_is_no_rotation():
    assert RULE not in said(planned(succeeds=None))


def test_each_instance_is_named():
    cases = planned(address=replace(TRUST, key="a"))
    assert [each.address for each in findings(cases, RULE)] == ['aws_ssm_parameter.trust["a"]']
    assert certificate_at("old").name == "old"
