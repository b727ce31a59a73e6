"""The Spacelift hook writes a document for the plan policy, which denies what tfcert would stop."""

from __future__ import annotations

import json

import pytest
from pipeline import PLANS, ROOT
from rego import answers
from runner import load

HOOK = load("docs/gates/spacelift/config.yml")["stack_defaults"]["after_plan"]
INPUT = "tfcert.custom.spacelift.json"


def judged(custom):
    """Return the plan policy's answers for this custom input."""
    return answers(
        ROOT / "docs/gates/spacelift/plan.rego",
        {"spacelift": {"run": {"type": "PROPOSED"}}, "third_party_metadata": {"custom": custom}},
    )


@pytest.fixture
def after_plan(machine):
    """Return a function that runs the hook after a plan, and gives its result and document."""

    def run(plan, *, stale=None, empty=False, **more):
        here = machine(plan)
        (here.root / "spacelift.plan").write_bytes(b"" if empty else here.plan.read_bytes())
        if stale is not None:
            (here.root / INPUT).write_text(stale)
        (hook,) = HOOK
        done = here.run("sh", "-c", hook, **more)
        file = here.root / INPUT
        return done, json.loads(file.read_text()) if file.exists() else None

    return run


@pytest.mark.parametrize("plan", PLANS)
def test_the_policy_denies_what_tfcert_would_stop(after_plan, plan):
    """The hook passes with findings, and the policy denies exactly if tfcert's exit code
    is not 0.
    """
    done, document = after_plan(plan)
    assert done.code == 0, done.said
    assert isinstance(document, dict)
    deny, warn = judged({"tfcert": document})
    assert bool(deny) == bool(PLANS[plan])
    assert len(warn) == sum(finding["severity"] != "error" for finding in document["findings"])
    if PLANS[plan]:
        assert "tfcert: findings, exit code 1" in deny
        assert len(deny) > 1


def test_i4_what_could_not_be_checked_is_denied(after_plan):
    """I4: an inconclusive document is denied."""
    done, document = after_plan("shared-2-repoint", offline=False)
    assert (done.code, document["verdict"]) == (0, "inconclusive")
    assert "tfcert: inconclusive, exit code 3" in judged({"tfcert": document})[0]


def test_a_plan_that_cannot_be_read_stops_the_run(after_plan):
    """An unreadable plan fails the hook, and an earlier document in the checkout is removed."""
    done, document = after_plan(
        "shared-2-repoint",
        empty=True,
        stale='{"schema": "tfcert.outcome/v1", "verdict": "clean", "findings": []}',
    )
    assert (done.code, document) == (1, None)


@pytest.mark.parametrize(
    "custom",
    [
        {},
        {"tfcert": {}},
        {"tfcert": {"schema": "tfcert.outcome/v2", "verdict": "clean", "findings": []}},
    ],
)
def test_what_was_not_judged_is_denied(custom):
    """A missing, empty or unknown document is denied with the reason."""
    assert judged(custom)[0] == ["tfcert has not judged this plan: is its after_plan hook there?"]


def test_a_suppressed_finding_is_no_denial(after_plan):
    """A suppressed finding is not denied."""
    _, document = after_plan("single-replace")
    suppression = {
        "kind": "external",
        "reason": "known",
        "until": "2026-12-01",
        "owner": None,
        "location": None,
    }
    document["findings"] = [
        {**finding, "suppression": suppression} for finding in document["findings"]
    ]
    document.update(verdict="clean", exit_code=0)
    assert judged({"tfcert": document}) == ([], [])
