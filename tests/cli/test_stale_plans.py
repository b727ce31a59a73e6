"""Stale plans: plans whose changes the state or AWS already shows."""

from __future__ import annotations

import json
import shutil
from datetime import datetime

import pytest

from checker.demo.emulator import SeedApi, SeedCertificate

OLD, NEW = "o8kcu4", "xdly9m"
STORY = ("--offline", "--as-of", "2026-12-01")
STEPS = {
    "02-apply1-add-new": "aws_api_gateway_client_certificate.backend_v2 is there already",
    "03-apply2-repoint": 'aws_api_gateway_stage.this["dev"] presents kt4vd3 already',
    "04-apply3-retire-old": "certificate uv6ysy (aws_api_gateway_client_certificate.backend) is",
}
BEFORE = {
    "02-apply1-add-new": "01-refreshed-near-expiry",
    "03-apply2-repoint": "02-apply1-add-new",
    "04-apply3-retire-old": "03-apply2-repoint",
}


def stale(document):
    """Return the findings about a stale plan."""
    return [each for each in document["findings"] if " is stale, " in each["message"]]


@pytest.mark.parametrize("state", ["state.json", "terraform.tfstate"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("expect", [(), ("--expect", "introduce"), ("--expect", "repoint")])
def test_a_plan_that_the_state_already_has_is_made_again(outcome, fixtures, step, state, expect):
    """A plan that the given state already has is inconclusive; with the earlier state it is not
    stale.
    """
    home = fixtures / "rotation"
    after, before = home / step / state, home / BEFORE[step] / state
    document, code = outcome(home / step / "plan.json", after, *STORY, *expect)
    (found,) = stale(document)
    assert STEPS[step] in found["message"]
    assert (found["rule"], found["severity"]) == ("certificate-unverified", "warning")
    assert found["remedy"].startswith("make the plan again: `terraform plan -out plan.tfplan`")
    assert not [each for each in document["findings"] if each["rule"] == "plan-exceeds-phase"]
    # The state after introduce has an error of its own, because no stage has moved yet.
    assert code == (1 if step.startswith("02") else 3)
    assert "this plan" not in "".join(each["remedy"] for each in document["findings"])
    assert not stale(outcome(home / step / "plan.json", before, *STORY)[0])


def test_the_plan_made_again_is_not_stale(outcome, fixtures):
    """A plan made from the newer state is not stale."""
    home = fixtures / "rotation"
    state = home / "02-apply1-add-new/state.json"
    assert stale(outcome(home / "02-apply1-add-new/plan.json", state, *STORY)[0])
    assert not stale(outcome(home / "03-apply2-repoint/plan.json", state, *STORY)[0])


def seed(aws, shown):
    """Seed AWS with the shared configuration of the acceptance tests."""
    aws.reset()
    aws.seed(
        SeedCertificate(id=OLD, expires_at=datetime.fromisoformat("2026-12-06T03:12:45Z")),
        SeedCertificate(
            id=NEW,
            created_at=datetime.fromisoformat("2026-11-24T02:14:24Z"),
            expires_at=datetime.fromisoformat("2027-11-24T02:14:24Z"),
        ),
        SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": shown}),
        SeedApi(id="qlda1tzfie", name="payments", stages={"blue": shown, "green": shown}),
    )


def test_the_state_decides_the_phase(outcome, aws, fixtures):
    """The given state decides the phase, not the older prior state of the plan."""
    seed(aws, OLD)
    home = fixtures / "acceptance"
    plan = home / "shared-1-introduce/plan.json"
    state = home / "shared-2-repoint/terraform.tfstate"
    told = ("--as-of", "2026-11-29", "--config", home / "shared-1-introduce/config")
    alone, _ = outcome(plan, *told, environment=aws.environment())
    both, _ = outcome(plan, state, *told, environment=aws.environment())
    assert (bool(stale(alone)), bool(stale(both))) == (False, True)
    assert [each["phase"] for each in alone["rotations"]] == ["waiting"]
    assert [each["phase"] for each in both["rotations"]] == ["repoint"]


def changed(fixtures, tmp_path, change):
    """Write the recorded introduce plan with a change, and return its path."""
    plan = json.loads((fixtures / "rotation/02-apply1-add-new/plan.json").read_text("utf-8"))
    change(plan)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return path


def test_what_was_deleted_outside_terraform_is_created_again(outcome, fixtures, tmp_path):
    """A plan that creates a certificate again after drift is not stale."""

    def drift(plan):
        (made,) = [
            each for each in plan["resource_changes"] if each["change"]["actions"] == ["create"]
        ]
        before = {"id": "kt4vd3", "client_certificate_id": None}
        change = {"actions": ["delete"], "before": before, "after": None}
        plan["resource_drift"] = [{**made, "change": change}]

    path = changed(fixtures, tmp_path, drift)
    state = fixtures / "rotation/02-apply1-add-new/state.json"
    assert not stale(outcome(path, state, *STORY)[0])


def test_another_configuration_with_the_same_addresses_says_nothing(outcome, fixtures, tmp_path):
    """A state of another configuration with the same addresses and other ids makes no
    plan stale.
    """
    state = (fixtures / "rotation/02-apply1-add-new/state.json").read_text("utf-8")
    document = json.loads(state)
    for each in document["values"]["root_module"]["resources"]:
        if each["type"] == "aws_api_gateway_rest_api":
            state = state.replace(each["values"]["id"], "zzzzzzzzzz")
    path = tmp_path / "other.json"
    path.write_text(state.replace("uv6ysy", "aaaaaa").replace("kt4vd3", "bbbbbb"), "utf-8")
    plan = shutil.copyfile(
        fixtures / "rotation/02-apply1-add-new/plan.json", tmp_path / "plan.json"
    )
    assert not stale(outcome(plan, path, *STORY)[0])


@pytest.mark.parametrize("applied", [False, True])
def test_aws_shows_that_the_stages_are_moved(outcome, aws, fixtures, applied):
    """Without a state, a plan is stale if AWS shows its stages moved."""
    seed(aws, NEW if applied else OLD)
    plan = fixtures / "acceptance/shared-2-repoint/plan.json"
    told = ("--as-of", "2026-12-02", "--expect", "repoint")
    document, code = outcome(plan, *told, environment=aws.environment())
    assert bool(stale(document)) is applied
    if applied:
        assert code == 3
        (found,) = stale(document)
        assert "AWS shows: aws_api_gateway_stage.orders presents xdly9m already" in found["message"]
        assert found["remedy"] == "make the plan again: `terraform plan -out plan.tfplan`"


@pytest.mark.parametrize("applied", [False, True])
def test_aws_shows_that_the_certificate_is_gone(outcome, aws, fixtures, applied):
    """Without a state, a plan is stale if AWS no longer has the certificate that it deletes."""
    aws.reset()
    left = () if applied else (OLD,)
    aws.seed(
        *(
            SeedCertificate(id=each, expires_at=datetime.fromisoformat("2027-11-24T02:14:24Z"))
            for each in (*left, NEW)
        ),
        SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": NEW}),
        SeedApi(id="qlda1tzfie", name="payments", stages={"blue": NEW, "green": NEW}),
    )
    plan = fixtures / "acceptance/shared-3-retire/plan.json"
    told = ("--as-of", "2026-12-02", "--expect", "retire")
    document, code = outcome(plan, *told, environment=aws.environment())
    assert (len(stale(document)), code) == ((1, 3) if applied else (0, 0))
