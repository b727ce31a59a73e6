"""State and configuration that differ: other workspaces, `terraform state rm`, and a tainted
certificate.
"""

from __future__ import annotations

import json
import shutil

import pytest
from world import CERTIFICATE, STAGE, days, world

from checker.model.rotation import Blocked, Next, Phase, Waiting

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.orders_202611"
TEXT = f"""\
resource "{CERTIFICATE}" "orders" {{
}}

# tfcert: succeeds {OLD}
resource "{CERTIFICATE}" "orders_202611" {{
}}

resource "{STAGE}" "prod" {{
  client_certificate_id = {NEW}.id
}}
"""


def test_a_state_two_phases_behind_gets_the_successor_alone_first(tmp_path):
    """If state is two phases behind the configuration, the remedy creates the successor alone with
    `-target`. After that, the rest of the change waits for its apply.
    """
    home = world(tmp_path, {"main.tf": TEXT})
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert f"{NEW} is not in it" in rotation.step.reason
    assert f"`terraform apply -target='{NEW}'`" in rotation.step.remedy
    assert home.ask(every=True)[1].patches == ()
    # Follow the remedy: apply the target, then the rest.
    home.certificates[NEW] = "new000"
    home.ends["new000"] = days(360)
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Waiting)
    assert "the repoint phase is written but not applied" in rotation.step.reason
    home.stages[f"{STAGE}.prod"] = "new000"
    (rotation,) = home.ask()[1].rotations
    assert rotation.step == Next(Phase.RETIRE)


def test_a_predecessor_that_was_taken_out_of_the_state(tmp_path):
    """A predecessor that `terraform state rm` removed blocks until its block is deleted."""
    home = world(
        tmp_path,
        {"main.tf": TEXT},
        certificates={NEW: "new000"},
        stages={f"{STAGE}.prod": "new000"},
        ends={"new000": days(360)},
    )
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert "`terraform state rm`" in rotation.step.reason
    assert "remove its block (main.tf:1)" in rotation.step.remedy
    without = TEXT.split("\n\n", 1)[1].replace(f"# tfcert: succeeds {OLD}\n", "")
    (tmp_path / "main.tf").write_text(without)
    assert home.ask()[1].rotations == ()


def test_before_anything_is_applied_nothing_was_taken_out(tmp_path):
    """In a new workspace, where neither certificate is in state, the rotation waits for the first
    apply.
    """
    home = world(tmp_path, {"main.tf": TEXT}, certificates={}, stages={})
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Waiting)
    assert "nothing has been applied yet" in rotation.step.reason


@pytest.fixture
def lagging(tmp_path, fixtures):
    """Return a configuration after repoint, where workspace prod is repointed and dev still uses
    the predecessor.
    """
    folder = tmp_path / "lagging"
    shutil.copytree(fixtures / "acceptance/shared-2-repoint/config", folder)
    for name, step in (("prod", "shared-3-retire"), ("dev", "shared-2-repoint")):
        place = folder / "terraform.tfstate.d" / name
        place.mkdir(parents=True)
        shutil.copyfile(
            fixtures / "acceptance" / step / "terraform.tfstate", place / "terraform.tfstate"
        )
    (folder / ".terraform").mkdir()
    (folder / ".terraform" / "environment").write_text("prod")
    return folder


def _seeded(aws):
    """Seed AWS as workspace prod left it, and return the path of its state."""
    from datetime import datetime

    from checker.demo.emulator import SeedApi, SeedCertificate

    aws.seed(
        SeedCertificate(id="o8kcu4", expires_at=datetime.fromisoformat("2026-12-06T03:12:45Z")),
        SeedCertificate(id="xdly9m", expires_at=datetime.fromisoformat("2027-11-24T02:14:24Z")),
        SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": "xdly9m"}),
        SeedApi(id="qlda1tzfie", name="payments", stages={"blue": "xdly9m", "green": "xdly9m"}),
    )
    return "terraform.tfstate.d/prod/terraform.tfstate"


def test_retire_waits_for_the_other_workspaces_at_hand(outcome, lagging, aws):
    """Retire waits for workspace dev, which still presents the predecessor, and names dev and its
    state file.
    """
    state = _seeded(aws)
    told = (state, "--config", ".", "--as-of", "2026-12-01")
    document, _ = outcome(*told, cwd=lagging, environment=aws.environment())
    (rotation,) = document["rotations"]
    assert rotation["phase"] == "waiting"
    assert "dev (terraform.tfstate.d/dev/terraform.tfstate)" in rotation["reason"]
    # Follow the remedy: bring dev to the phase of prod, after which retire is due.
    shutil.copyfile(lagging / state, lagging / "terraform.tfstate.d/dev/terraform.tfstate")
    document, _ = outcome(*told, cwd=lagging, environment=aws.environment())
    assert [each["phase"] for each in document["rotations"]] == ["retire"]
    assert json.dumps(document).count("another workspace") == 0


def test_retire_waits_for_the_state_of_the_default_workspace(outcome, lagging, aws):
    """Retire also waits for the state of the default workspace, which is outside
    `terraform.tfstate.d`.
    """
    state = _seeded(aws)
    (lagging / "terraform.tfstate.d/dev/terraform.tfstate").rename(lagging / "terraform.tfstate")
    document, _ = outcome(
        state, "--config", ".", "--as-of", "2026-12-01", cwd=lagging, environment=aws.environment()
    )
    (rotation,) = document["rotations"]
    assert rotation["phase"] == "waiting"
    assert "default (terraform.tfstate)" in rotation["reason"]


def test_i2_retire_is_blocked_by_the_state_of_another_workspace_that_cannot_be_read(
    outcome, lagging, aws
):
    """I2: an unreadable state of another workspace blocks retire, with its name and reason, until
    it is gone.
    """
    state = _seeded(aws)
    other = lagging / "terraform.tfstate.d/dev/terraform.tfstate"
    other.write_text("{")
    told = (state, "--config", ".", "--as-of", "2026-12-01")
    document, _ = outcome(*told, cwd=lagging, environment=aws.environment())
    (rotation,) = document["rotations"]
    assert rotation["phase"] == "blocked"
    assert "dev (terraform.tfstate.d/dev/terraform.tfstate: " in rotation["reason"]
    other.rename(lagging.parent / "moved.tfstate")
    document, _ = outcome(*told, cwd=lagging, environment=aws.environment())
    assert [each["phase"] for each in document["rotations"]] == ["retire"]


@pytest.mark.parametrize("shown", [False, True])
def test_a_tainted_certificate_is_untainted_first(outcome, tfcert, story, shown):
    """A tainted certificate must be untainted first, because the next apply would replace it."""
    path = story / "terraform.tfstate"
    state = json.loads(path.read_text())
    (resource,) = (each for each in state["resources"] if each["type"] == CERTIFICATE)
    resource["instances"][0]["status"] = "tainted"
    if shown:
        values = {
            "address": f"{CERTIFICATE}.backend",
            "mode": "managed",
            "type": CERTIFICATE,
            "name": resource["name"],
            "tainted": True,
        }
        values["address"] = f"{CERTIFICATE}.{resource['name']}"
        values |= {"values": resource["instances"][0]["attributes"], "sensitive_values": {}}
        stages = [
            {
                "address": f"{each['type']}.{each['name']}"
                + (f"[{index}]" if len(each["instances"]) > 1 else ""),
                "mode": "managed",
                "type": each["type"],
                "name": each["name"],
                "values": instance["attributes"],
                "sensitive_values": {},
            }
            for each in state["resources"]
            if each["type"].endswith("_stage")
            for index, instance in enumerate(each["instances"])
        ]
        state = {
            "format_version": "1.0",
            "terraform_version": "1.11.4",
            "values": {"root_module": {"resources": [values, *stages]}},
        }
    path.write_text(json.dumps(state))
    told = ("terraform.tfstate", "--offline", "--as-of", "2026-11-24")
    document, _ = outcome(*told, cwd=story)
    (rotation,) = document["rotations"]
    assert rotation["phase"] == "blocked"
    assert "is tainted: the next apply replaces it" in rotation["reason"]
    assert (
        b"terraform untaint 'aws_api_gateway_client_certificate."
        in tfcert("patch", *told, cwd=story).stdout
    )
    # Follow the remedy: untaint removes the mark.
    path.write_text(
        path.read_text()
        .replace('"status": "tainted"', '"status": null')
        .replace('"tainted": true', '"tainted": false')
    )
    document, _ = outcome(*told, cwd=story)
    assert [each["phase"] for each in document["rotations"]] == ["introduce"]
