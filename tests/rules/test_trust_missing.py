"""Tests of trust-missing: a plan moves a stage to a certificate that its backend refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    STAGE,
    backend,
    cases_of,
    consuming,
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
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, Scope
from checker.model.resources import PresentsPlanned
from checker.model.severity import Severity

RULE = "trust-missing"
PROD = f"{STAGE}.prod"


def moved(*backends, before="old", target="new", action=Action.UPDATE, names=("prod",), **policy):
    """Return cases of a plan that moves stages from one certificate to another."""
    plan = Plan(stages=tuple(moving(name, before, target, action) for name in names))
    found = document(
        [known("old", 12), known("new", 360)], [stage(name, before) for name in names], plan=plan
    )
    return cases_of(found, policy=Policy(backends=backends, **policy))


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (backend("old"), True),
        (backend("third"), True),
        (backend("old", "new"), True),  # nginx accepts the first
        (backend("new", "old"), False),
        (backend("old", "new", server="envoy"), True),
        (backend("old", "new", server="pinned"), False),
        (backend("new"), False),
    ],
)
def test_a_plan_that_repoints_while_the_backend_refuses_is_an_error(one, found):
    """Only a known refusal is an error; it names the stage, the certificate and the backend."""
    cases = moved(one)
    assert (said(cases).get(RULE) == "error") == found
    for each in findings(cases, RULE):
        assert (each.address, each.certificate_id) == (PROD, "new")
        assert "backend orders (t.pem) does not trust" in each.message


@pytest.mark.parametrize(
    "one",
    [
        backend("old", "new", server=None),
        backend("new", server="alb"),
        backend(),
        backend("old", stages=(f"{STAGE}.other",)),
    ],
    ids=["server not declared", "load balancer", "no bundle", "backend of another stage"],
)
def test_what_is_not_confirmed_is_no_finding(one):
    """A backend whose trust is unknown is no finding; the rotation's condition reports it."""
    assert RULE not in said(moved(one))


def test_without_backends_it_is_silent():
    assert RULE not in said(moved())


def test_its_remedy_ends_it():
    """Each refusing backend has its finding; after the PEM is added to the bundle, the
    plan passes.
    """
    other = replace(backend("third"), name="payments")
    assert len(findings(moved(backend("old"), other), RULE)) == 2
    assert RULE not in said(moved(backend("old", "new", server="pinned")))


@pytest.mark.parametrize(
    ("before", "target", "action"),
    [("new", "new", Action.NO_OP), ("old", "new", Action.NO_OP), ("old", "old", Action.UPDATE)],
)
def test_a_plan_that_moves_nothing_is_no_finding(before, target, action):
    cases = moved(backend("third"), before=before, target=target, action=action)
    assert RULE not in said(cases)


def test_a_certificate_that_is_not_made_yet_is_no_finding_of_this_rule():
    """A certificate that the plan creates is no finding, because no backend can have it yet."""
    planned = PresentsPlanned((known("new").address,))
    assert RULE not in said(moved(backend("old"), target=planned))


def test_a_new_stage_counts_too():
    """A new stage with a certificate that its backend refuses is an error."""
    cases = moved(backend("old"), before=None, action=Action.CREATE)
    assert said(cases)[RULE] == "error"


def test_a_rollback_to_what_the_backend_has_dropped_is_an_error_too():
    assert said(moved(backend("new"), before="new", target="old"))[RULE] == "error"


def test_a_certificate_that_has_ended_is_refused_whatever_the_bundle_has():
    """An expired certificate is refused even if the bundle has it."""
    ended = backend("new", server="pinned")
    (one,) = ended.certificates
    late = replace(ended, certificates=(replace(one, ends=NOW - timedelta(days=1)),))
    (found,) = findings(moved(late), RULE)
    assert "the certificate has ended" in found.message


@pytest.mark.parametrize(
    ("held", "kind", "found"),
    [
        (("old",), "aws_ssm_parameter", True),
        (("old",), "aws_lb_trust_store", True),
        (("new",), "aws_ssm_parameter", False),
        (("old", "new"), "aws_ssm_parameter", False),  # its server is not known
        (("old", "new"), "aws_lb_trust_store", False),
        (None, "aws_ssm_parameter", False),
    ],
)
def test_a_consumer_that_lacks_the_certificate_is_an_error_too(held, kind, found):
    """A consumer that `--trust` read and that lacks the certificate is an error, without a declared
    backend.
    """
    declared, bundles = consuming(held, kind=kind)
    plan = Plan(stages=(moving("prod", "old", "new"),))
    document_ = document([known("old", 12), known("new", 360)], plan=plan, declared=declared)
    cases = replace(cases_of(document_), held=bundles)
    assert (said(cases).get(RULE) == "error") == found
    for each in findings(cases, RULE):
        assert f"backend {kind}.ca (GetParameter ca) does not trust" in each.message
    elsewhere = tuple(replace(each, document="other.json") for each in bundles)
    assert RULE not in said(replace(cases, held=elsewhere))


def test_an_exemption_of_the_stage_suppresses_its_finding_alone():
    """An exemption of one stage leaves the finding of the other stage counted."""
    both = backend("old", stages=(PROD, f"{STAGE}.dev"))
    entry = Exemption(
        rule=RULE,
        until=NOW.date() + timedelta(days=3),
        reason="the backend is moved by hand",
        kind=SuppressedBy.POLICY,
        addresses=frozenset({PROD}),
        location=Location("tfcert.toml", 3),
    )
    cases = moved(both, names=("prod", "dev"), exemptions=(entry,))
    found = {each.address: each.suppression is not None for each in findings(cases, RULE)}
    assert found == {PROD: True, f"{STAGE}.dev": False}


@pytest.mark.parametrize("weight", [None, Severity.NOTE])
def test_a_scope_weighs_it_for_its_stages_alone(weight):
    """A scope switches the rule off, or lowers it, for its own stages alone."""
    both = backend("old", stages=(PROD, f"{STAGE}.dev"))
    milder = Scope(conditions=Conditions(stage=("dev",)), rules=((RULE, weight),))
    cases = moved(both, names=("prod", "dev"), scopes=(milder,))
    found = {each.address: each.severity for each in findings(cases, RULE)}
    assert found.pop(PROD) is Severity.ERROR
    assert found == ({f"{STAGE}.dev": weight} if weight is not None else {})
