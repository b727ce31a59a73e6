"""Tests of certificate-drifted: AWS differs from state."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, findings, said, stage
from msgspec.structs import replace
from world import HOME, NOW

from checker.analysis.certificate_uses import stage_key
from checker.model.observation import CertificateKey, Found, Gone, ObservedStage, Unanswered
from checker.model.resources import PresentsPlanned, StageKind

RULE = "certificate-drifted"
REFUSED = Unanswered(reason="access denied", remedy="grant apigateway:GET")


def drifted(recorded, shown, of_shown=None):
    """Return cases of a stage with its certificate by state, by AWS, and the answer of AWS about
    the latter.
    """
    one = stage("prod", recorded)
    cases = cases_of(document([certificate("old", 300)], [one]))
    answer = shown
    if shown is None or isinstance(shown, str):
        answer = ObservedStage(
            kind=StageKind.REST, api_id="api1", name="prod", certificate_id=shown
        )
    certificates = dict(cases.observations.certificates)
    if of_shown is not None:
        certificates[CertificateKey(id=shown, place=HOME)] = of_shown
    observations = replace(
        cases.observations, stages={stage_key(one): answer}, certificates=certificates
    )
    return replace(cases, observations=observations)


def ending(left):
    return Found(expires_at=NOW + timedelta(days=left))


@pytest.mark.parametrize(
    ("recorded", "shown", "of_shown", "weights"),
    [
        ("old", "old", None, {}),
        (None, None, None, {}),
        ("old", None, None, {RULE: "warning"}),
        ("old", Gone(), None, {RULE: "warning"}),
        ("old", "other", ending(300), {RULE: "warning"}),
        (None, "other", ending(300), {RULE: "warning"}),
        ("old", "other", ending(30), {RULE: "error"}),
        ("old", "other", ending(-3), {RULE: "error"}),
        ("old", "other", Gone(), {RULE: "error"}),
        ("old", "other", REFUSED, {RULE: "warning", "certificate-unverified": "warning"}),
        ("old", "other", None, {RULE: "warning", "certificate-unverified": "warning"}),
        ("old", REFUSED, None, {"certificate-unverified": "warning"}),
    ],
)
def test_another_certificate_on_the_stage_than_state_says(recorded, shown, of_shown, weights):
    """A stage with another certificate than in state is a warning, or an error if it ends soon.

    I4: a certificate that AWS did not answer about is never clean.
    """
    assert said(drifted(recorded, shown, of_shown)) == weights


def test_the_message_names_both_and_the_end_of_what_is_presented():
    """The message names both certificates and the end date of the one in use."""
    (finding,) = findings(drifted("old", "other", ending(30)))
    assert finding.message == (
        "in AWS aws_api_gateway_stage.prod presents certificate other, which ends on 2026-12-23; by state certificate old: "
        "somebody changed it outside Terraform"
    )
    assert finding.remedy.startswith(
        "the next apply moves it back to old, unless ignore_changes covers client_certificate_id: if that is wrong"
    )


@pytest.mark.parametrize(
    ("hours", "weights"), [(0, {}), (23, {}), (24, {RULE: "warning"}), (-24, {RULE: "warning"})]
)
def test_another_end_than_state_says_from_a_day_on(hours, weights):
    """An end date that differs from state by a day or more is a warning."""
    recorded = certificate("old", 300)
    answer = Found(expires_at=recorded.expires_at + timedelta(hours=hours))
    assert said(cases_of(document([recorded]), answers={"old": answer})) == weights


def test_acm_renews_under_the_same_arn_which_is_no_drift():
    """A later end date of an ACM certificate is no drift, because ACM renews it under the
    same ARN.
    """
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    recorded = replace(certificate("old", 20), id=arn, kind="acm")
    assert (
        said(cases_of(document([recorded], [stage("prod", arn)]), answers={arn: ending(390)})) == {}
    )


@pytest.mark.parametrize("shown", ["old", None, Gone()])
def test_a_stage_whose_recorded_certificate_is_hidden_cannot_differ(shown):
    """A sensitive id is not known, so AWS's answer is compared with nothing."""
    cases = drifted(PresentsPlanned(()), shown)
    assert RULE not in said(cases)
