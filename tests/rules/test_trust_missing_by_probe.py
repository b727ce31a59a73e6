"""Tests of trust-missing by probe: a plan moves a stage to a certificate that the backend
refused.
"""

from __future__ import annotations

import pytest
from builders import PRINTS, backend, findings, said
from msgspec.structs import replace
from test_trust_missing import RULE as MISSING
from test_trust_missing import moved
from test_trust_outdated import shown

from checker.model.trust import ProbeEvidence, TrustStatus
from checker.rotation.stage_pairs import planned_pairs

CONFIRMED, REFUSED, UNKNOWN = TrustStatus


def planned(target="new", before="old", *, status=REFUSED, old=CONFIRMED, **more):
    """Return cases of a plan that moves the stage, with the probe result of its backend."""
    cases = moved(before=before, target=target)
    (stage,) = cases.documents[0].document.stages
    evidence = ProbeEvidence(
        account=None,
        region=None,
        api_id=stage.api_id,
        stage=stage.name,
        backend="https://a:443",
        predecessor=PRINTS["old"],
        successor=PRINTS["new"],
        status=status,
        old=old,
        reason="it refused the call",
    )
    return replace(cases, probed=(replace(evidence, **more),))


def test_a_refusal_is_an_error_without_a_declared_backend():
    """A refused probe is an error without a declared backend, and names the backend and
    the stage.
    """
    (finding,) = findings(planned(), MISSING)
    assert "backend https://a:443 (probe) does not trust: it refused the call" in finding.message
    assert finding.address == "aws_api_gateway_stage.prod"


@pytest.mark.parametrize("status", [CONFIRMED, UNKNOWN])
def test_what_is_not_refused_is_no_finding(status):
    """A probe with an unknown or confirmed result is no finding."""
    assert MISSING not in said(planned(status=status))


def test_a_way_back_that_the_backend_refuses_is_an_error():
    """A rollback to a predecessor that the backend refuses is an error."""
    assert MISSING in said(planned("old", "new", status=CONFIRMED, old=REFUSED))
    assert MISSING not in said(planned("old", "new", status=CONFIRMED, old=CONFIRMED))


@pytest.mark.parametrize("change", [{"successor": "9" * 64}, {"stage": "other"}, {"api_id": "x"}])
def test_an_answer_about_something_else_is_no_finding(change):
    """A probe result for another certificate, stage or API is no finding."""
    assert MISSING not in said(planned(**change))


def test_a_plan_tells_which_certificates_a_stage_moves_between():
    """A plan without a configuration gives the predecessor and successor to probe for each moved
    stage.
    """
    (pair,) = planned_pairs(moved())
    assert (pair.predecessor.id, pair.successor.id) == ("old", "new")
    assert pair.successor.fingerprint == PRINTS["new"]
    assert not tuple(planned_pairs(moved(target="old")))
    assert not tuple(planned_pairs(shown("old", backend("old"))))
