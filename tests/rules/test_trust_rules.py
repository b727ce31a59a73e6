"""trust-missing and trust-outdated: a stage and a backend that do not fit each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, findings, moving, said, stage
from msgspec.structs import replace
from world import NOW

from checker.model.plan import Action, Plan
from checker.model.policy import Policy
from checker.model.trust import BundleCertificate, TrustBackend

MISSING, OUTDATED = "trust-missing", "trust-outdated"
PRINTS = {"old": "0" * 64, "new": "1" * 64, "third": "3" * 64}


def backend(*names, server="nginx", stages=("aws_api_gateway_stage.prod",)):
    """A backend whose bundle has these certificates, all of one subject; without names it was not read."""
    found = tuple(
        BundleCertificate(fingerprint=PRINTS[name], subject="s", ends=NOW + timedelta(days=9))
        for name in names
    )
    return TrustBackend(
        name="orders", stages=stages, bundle="t.pem", server=server, certificates=found or None
    )


def judged(shown, *backends, before=None, action=Action.UPDATE, target="new"):
    """A stage that presents a certificate, and with `before` a plan that moves it."""
    certificates = [
        replace(certificate(name, left), fingerprint=PRINTS[name])
        for name, left in (("old", 12), ("new", 360))
    ]
    plan = Plan(stages=(moving("prod", before, target, action),)) if before is not None else None
    policy = Policy(backends=backends)
    return cases_of(document(certificates, [stage("prod", shown)], plan=plan), policy=policy)


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (backend("old"), True),
        (backend("old", "new"), True),  # nginx accepts the first
        (backend("old", "new", server="pinned"), False),
        (backend("new"), False),
        (backend("old", "new", server=None), False),  # not confirmed is a condition, not an error
        (backend(), False),
        (backend("old", stages=("aws_api_gateway_stage.other",)), False),
    ],
)
def test_a_plan_that_repoints_while_the_backend_refuses_is_an_error(one, found):
    """Only what is known to be refused; the finding names the stage, the certificate and the backend."""
    cases = judged("old", one, before="old")
    assert (said(cases).get(MISSING) == "error") == found
    for each in findings(cases, MISSING):
        assert (each.address, each.certificate_id) == ("aws_api_gateway_stage.prod", "new")
        assert "backend orders (t.pem) does not trust" in each.message


def test_its_remedy_ends_it():
    """The PEM is added beside the old one, as the remedy says, and the plan passes; one plan of several backends names each."""
    other = replace(backend("third"), name="payments")
    assert len(findings(judged("old", backend("old"), other, before="old"), MISSING)) == 2
    assert MISSING not in said(judged("old", backend("old", "new", server="pinned"), before="old"))


@pytest.mark.parametrize(
    ("before", "target", "action"),
    [("new", "new", Action.NO_OP), ("old", "new", Action.NO_OP), ("old", "old", Action.UPDATE)],
)
def test_a_plan_that_moves_nothing_is_no_finding(before, target, action):
    cases = judged("old", backend("third"), before=before, target=target, action=action)
    assert MISSING not in said(cases)


def test_a_rollback_to_what_the_backend_has_dropped_is_an_error_too():
    assert said(judged("new", backend("new"), before="new", target="old"))[MISSING] == "error"


@pytest.mark.parametrize(
    ("shown", "one", "found"),
    [
        ("new", backend("old"), True),
        ("new", backend("old", "new"), True),
        ("new", backend("old", "new", server="pinned"), False),
        ("new", backend("new"), False),
        ("new", backend("third"), False),  # what it trusts is none of this state's
        ("new", backend(), False),
        ("new", backend("old", stages=("aws_api_gateway_stage.other",)), False),
        ("old", backend("new"), False),  # the newer one is not outdated
        ("old", backend("old"), False),
    ],
)
def test_a_backend_that_trusts_only_the_older_one_is_an_error(shown, one, found):
    """At retire: the stage presents the new one already. With both, accepted, it is none."""
    cases = judged(shown, one)
    assert (said(cases).get(OUTDATED) == "error") == found
    for each in findings(cases, OUTDATED):
        assert "trusts certificate old, and not certificate new" in each.message
        assert "do not retire certificate old" in each.remedy


def test_without_backends_both_are_silent():
    assert not {MISSING, OUTDATED} & {*said(judged("old", before="old"))}
