"""Tests of trust-outdated: a backend trusts only an older certificate than its stage presents."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    CERTIFICATE,
    STAGE,
    backend,
    cases_of,
    document,
    findings,
    known,
    moving,
    said,
    stage,
)
from msgspec.structs import replace
from world import NOW

from checker.model.conditions import Conditions
from checker.model.exemptions import Exemption
from checker.model.finding import SuppressedBy
from checker.model.location import Location
from checker.model.plan import Plan
from checker.model.policy import Policy, Scope

RULE = "trust-outdated"
PROD = f"{STAGE}.prod"


def shown(presented, *backends, names=("prod",), plan=None, ends=(12, 360), **policy):
    """Return cases of stages that present one of two certificates."""
    two = [known("old", ends[0]), known("new", ends[1])]
    found = document(two, [stage(name, presented) for name in names], plan=plan)
    return cases_of(found, policy=Policy(backends=backends, **policy))


@pytest.mark.parametrize(
    ("presented", "one", "found"),
    [
        ("new", backend("old"), True),
        ("new", backend("old", "new"), True),
        ("new", backend("old", "new", server="pinned"), False),
        ("new", backend("new"), False),
        ("new", backend("third"), False),  # the trusted certificate is not of this state
        ("old", backend("new"), False),  # the newer one is not outdated
        ("old", backend("old"), False),
    ],
)
def test_a_backend_that_trusts_only_the_older_one_is_an_error(presented, one, found):
    """A backend that accepts only the older certificate is an error; one that accepts the new one
    is not.
    """
    cases = shown(presented, one)
    assert (said(cases).get(RULE) == "error") == found
    for each in findings(cases, RULE):
        assert each.certificate_id == "new"
        assert "trusts certificate old, and not certificate new" in each.message
        assert "do not retire certificate old" in each.remedy


@pytest.mark.parametrize(
    "one",
    [
        backend(),
        backend("old", "new", server=None),
        backend("old", "new", server="alb"),
        backend("old", stages=(f"{STAGE}.other",)),
    ],
    ids=["no bundle", "server not declared", "load balancer", "backend of another stage"],
)
def test_what_is_not_confirmed_is_no_finding(one):
    assert RULE not in said(shown("new", one))


def test_without_backends_it_is_silent():
    assert RULE not in said(shown("new"))


def test_the_other_certificate_has_to_end_earlier():
    """The trusted certificate must end earlier than the one in use; with an unknown end there is no
    finding.
    """
    assert RULE not in said(shown("new", backend("old"), ends=(360, 360)))
    assert RULE not in said(shown("new", backend("old"), ends=(361, 360)))
    assert RULE not in said(shown("new", backend("old"), ends=(None, 360)))


def test_its_remedy_ends_it():
    """Each backend has its finding until the PEM of the new certificate is added."""
    other = replace(backend("old"), name="payments")
    assert len(findings(shown("new", backend("old"), other), RULE)) == 2
    assert RULE not in said(shown("new", backend("old", "new", server="pinned")))


def test_a_plan_that_moves_the_stage_only_now_is_another_rules():
    """While the stage still presents the old certificate, trust-missing reports instead."""
    plan = Plan(stages=(moving("prod", "old", "new"),))
    found = said(shown("old", backend("old"), plan=plan))
    assert RULE not in found
    assert found["trust-missing"] == "error"


def exemption(*addresses):
    return Exemption(
        rule=RULE,
        until=NOW.date() + timedelta(days=3),
        reason="the backend is moved by hand",
        kind=SuppressedBy.POLICY,
        addresses=frozenset(addresses),
        location=Location("tfcert.toml", 3),
    )


@pytest.mark.parametrize(
    ("address", "suppressed"),
    [(f"{CERTIFICATE}.new", True), (f"{CERTIFICATE}.old", False)],
)
def test_an_exemption_names_the_certificate_that_the_stage_presents(address, suppressed):
    cases = shown("new", backend("old"), exemptions=(exemption(address),))
    (found,) = findings(cases, RULE)
    assert (found.suppression is not None) == suppressed


def test_a_scope_weighs_it_and_of_several_stages_the_strictest_counts():
    """A scope can switch it off; for a certificate of two stages the strictest scope counts."""
    one = backend("old", stages=(PROD, f"{STAGE}.dev"))
    off = Scope(conditions=Conditions(stage=("dev",)), rules=((RULE, None),))
    for names, found in ((("dev",), False), (("prod", "dev"), True)):
        assert (said(shown("new", one, names=names, scopes=(off,))).get(RULE) == "error") == found
