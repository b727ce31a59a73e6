"""policies/rego/outcome.rego, evaluated by a real engine on tfcert's documents."""

from __future__ import annotations

import json

import pytest
from pipeline import PLANS, ROOT
from rego import answers

POLICY = ROOT / "policies/rego/outcome.rego"


@pytest.fixture
def document(machine):
    """Return a function that gives the outcome of a recorded plan."""

    def made(plan, **more):
        here = machine(plan)
        here.run(
            "tfcert",
            "check",
            str(here.plan),
            "--config",
            ".",
            "--format",
            "json=outcome.json",
            **more,
        )
        return json.loads((here.root / "outcome.json").read_text())

    return made


@pytest.mark.parametrize("plan", PLANS)
def test_the_policy_denies_what_tfcert_would_stop(document, plan):
    """`deny` answers exactly if tfcert's exit code is not 0, with one sentence per error; warnings
    are in `warn`.
    """
    outcome = document(plan)
    deny, warn = answers(POLICY, outcome)
    assert bool(deny) == bool(PLANS[plan])
    severities = [finding["severity"] for finding in outcome["findings"]]
    assert len(deny) == (severities.count("error") + 1 if PLANS[plan] else 0)
    assert len(warn) == len(severities) - severities.count("error")


def test_i4_what_could_not_be_checked_is_denied(document):
    """I4: an inconclusive outcome is denied, also if its document claims exit code 0."""
    outcome = document("shared-2-repoint", offline=False)
    assert "tfcert: inconclusive, exit code 3" in answers(POLICY, outcome)[0]
    assert "tfcert: inconclusive, exit code 0" in answers(POLICY, {**outcome, "exit_code": 0})[0]


def test_what_never_fails_is_a_warning(document):
    """With --fail-on never nothing is denied, and errors are warnings."""
    outcome = document("single-replace", CLOCK="--offline --fail-on never")
    assert (outcome["verdict"], outcome["exit_code"]) == ("findings", 0)
    deny, warn = answers(POLICY, outcome)
    assert (deny, len(warn)) == ([], len(outcome["findings"]))


def test_a_warning_that_fails_is_denied(document):
    """With --fail-on warning an outcome with only warnings is denied."""
    outcome = document(
        "shared-2-repoint", CLOCK="--as-of=2026-11-24T02:15:59Z --offline --fail-on warning"
    )
    assert (outcome["summary"]["error"], outcome["exit_code"]) == (0, 1)
    assert answers(POLICY, outcome)[0] == ["tfcert: findings, exit code 1"]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        {"schema": "tfcert.outcome/v2"},
        {"schema": "tfcert.outcome/v1", "findings": []},
        {"schema": "tfcert.outcome/v1", "verdict": "clean", "findings": []},
    ],
)
def test_i4_another_document_is_denied(broken):
    """I4: an empty document, another version, and one without a verdict are denied."""
    assert len(answers(POLICY, broken)[0]) == 1


def test_an_exemption_is_a_warning(document):
    """A suppressed finding is a warning with its reason and date."""
    outcome = document("single-attribute-removed")
    suppression = {
        "kind": "inSource",
        "reason": 'moved to "mTLS"',
        "until": "2026-12-01",
        "owner": None,
        "location": None,
    }
    outcome["findings"] = [
        {**finding, "suppression": suppression} for finding in outcome["findings"]
    ]
    outcome.update(verdict="clean", exit_code=0)
    assert answers(POLICY, outcome) == (
        [],
        ['suppressed until 2026-12-01 (moved to "mTLS"): stage-detached'],
    )
