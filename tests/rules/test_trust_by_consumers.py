"""Tests of trust-missing and trust-outdated by the recorded bundles of the PEM's consumers."""

from __future__ import annotations

import pytest
from builders import PRINTS, cases_of, document, findings, known, lineage, moving, said, stage
from msgspec.structs import replace
from world import NOW, days

from checker.model.address import Address
from checker.model.location import Location
from checker.model.plan import Action, Plan
from checker.model.rotation import Delivery, TrustConsumer
from checker.model.trust import BundleCertificate, HeldBundle

TRUST = Address("aws_ssm_parameter", "trust")


def held(*names, document="plan.json", consumer=TRUST):
    prints = tuple(
        BundleCertificate(fingerprint=PRINTS[name], subject="s", ends=days(99)) for name in names
    )
    return HeldBundle(
        consumer=consumer,
        certificates=prints or None,
        source="state",
        document=document,
    )


def declared(*more):
    found = lineage(old=None, new="old")
    old, new = found.certificates
    one = TrustConsumer(
        what="resource aws_ssm_parameter.trust",
        location=Location("trust.tf", 3),
        delivery=Delivery.SENT,
        place="trust value",
        block=TRUST,
    )
    return replace(
        found, certificates=(replace(old, trust=(one,)), replace(new, trust=more or (one,)))
    )


def moved(*has, action=Action.UPDATE, before="old", more=()):
    """Return cases of a plan that moves a stage to the new certificate, with the
    consumer's bundle.
    """
    plan = Plan(stages=(moving("prod", before, "new", action),))
    found = document(
        [known("old", 12), known("new", 360)],
        [stage("prod", before)],
        plan=plan,
        declared=declared(*more),
    )
    return cases_of(replace(found, held=has))


def test_a_plan_that_repoints_while_a_consumer_lacks_the_successor_is_an_error():
    (found,) = findings(moved(held("old")), "trust-missing")
    assert found.address == "aws_api_gateway_stage.prod"
    assert "backend aws_ssm_parameter.trust (state) does not trust" in found.message
    assert "first add the PEM of new to what backend aws_ssm_parameter.trust trusts" in found.remedy
    for ends in (held("old", "new"), held("new")):  # after the remedy the finding is gone
        assert "trust-missing" not in said(moved(ends))


@pytest.mark.parametrize(
    "cases",
    [
        moved(),
        moved(held()),
        moved(held("old", document="other.json")),
        moved(held("old", consumer=Address("aws_ssm_parameter", "other"))),
        moved(held("old"), action=Action.NO_OP),
        moved(held("old"), before="new"),
    ],
    ids=["nothing read", "not readable", "another document", "no consumer", "no-op", "moved"],
)  # fmt: skip
def test_what_is_not_known_to_lack_it_is_no_finding(cases):
    assert "trust-missing" not in said(cases)


def test_a_successor_in_a_place_of_its_own_is_no_finding():
    other = TrustConsumer(
        what="resource aws_ssm_parameter.second", location=Location("trust.tf", 9), place="second"
    )
    assert "trust-missing" not in said(moved(held("old"), more=(other,)))


def presented(*has, left=12):
    """Return cases after repoint, where the stage presents the successor."""
    found = document(
        [known("old", left), known("new", 360)], [stage("prod", "new")], declared=declared()
    )
    return cases_of(replace(found, held=has))


def test_a_consumer_with_the_predecessor_alone_is_an_error_while_a_stage_presents_the_successor():
    has = held("old", document=presented().documents[0].document.source.path)
    (found,) = findings(presented(has), "trust-outdated")
    assert (
        "aws_ssm_parameter.trust (state) trusts certificate old, and not certificate new"
        in found.message
    )
    assert "do not retire certificate old before that" in found.remedy
    both = replace(has, certificates=(*held("old", "new").certificates,))
    for ends in (both, replace(has, certificates=None), replace(has, document="other.json")):
        assert "trust-outdated" not in said(presented(ends))
    assert days(1) > NOW
