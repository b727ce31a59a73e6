"""Ten rotations of three environments, replayed commit by commit from three years of public
history.

They have the shapes of ministryofjustice/cloud-platform-environments, hmpps-integration-api, from
May 2023 to June 2026. One commit adds a certificate and moves the stage and a Kubernetes secret to
it; a hash of the file triggers the deployment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from world import CERTIFICATE, STAGE, World, days, world

from checker.model.rotation import Blocked, Next, Phase, Waiting

SECRET = """
resource "kubernetes_secret" "auth" {{
  data = {{
    "ca.crt" = {kind}.{name}.pem_encoded_certificate
  }}
}}
"""
TRIGGER = """
resource "aws_api_gateway_deployment" "main" {
  triggers = {
    redeployment = sha1(jsonencode([local.clients, md5(file("api_gateway.tf"))]))
  }
  lifecycle {
    create_before_destroy = true
  }
}
"""


def block(name: str) -> str:
    """Return a certificate block, with a wrong date in its description like the original."""
    dated = "" if name == "client" else " expires 02/02/2026"
    return f'resource "{CERTIFICATE}" "{name}" {{\n  description = "presented to the backend{dated}"\n}}\n'


def commit(folder: Path, names: str, shown: str, trusted: str | None = None) -> None:
    stage = (
        f'resource "{STAGE}" "main" {{\n  client_certificate_id = {CERTIFICATE}.{shown}.id\n}}\n'
    )
    (folder / "api_gateway.tf").write_text("\n".join([*map(block, names.split()), stage]) + TRIGGER)
    (folder / "secrets.tf").write_text(SECRET.format(kind=CERTIFICATE, name=trusted or shown))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def before(folder: Path, recorded: str, shown: str, now: str) -> World:
    """Return the state before a commit; `recorded` has `name=end` pairs."""
    ends = {name: day(end) for name, _, end in (each.partition("=") for each in recorded.split())}
    return world(
        folder,
        {},
        certificates={f"{CERTIFICATE}.{name}": name for name in ends},
        stages={f"{STAGE}.main": shown},
        ends=ends,
        now=day(now),
    )


def follow(home: World) -> None:
    """Write and apply patches until nothing is left to do, and check that each step is the next
    phase.
    """
    for _ in range(4):
        _, patches = home.ask()
        if not patches.patches:
            break
        home.write(patches)
        steps = {rotation.label: rotation for rotation in patches.rotations}
        for rotation in steps.values():
            assert isinstance(rotation.step, Next), rotation.step
            if not rotation.left_over:
                home.apply(rotation.step.phase, [rotation])
            else:
                home.ends.pop(home.certificates.pop(rotation.label), None)
        home.now = days(4, home.now)
    assert home.ask()[1].rotations == ()


ONE_STEP = {
    "dev 2024-05, after the end": (
        "client=2024-05-10",
        "client",
        "client client_two",
        "client_two",
        "2024-05-15",
    ),
    "preprod 2024-05, on the day": (
        "client=2024-05-16",
        "client",
        "client client_two",
        "client_two",
        "2024-05-16",
    ),
    "prod 2024-05, two days before": (
        "client=2024-05-18",
        "client",
        "client client_two",
        "client_two",
        "2024-05-16",
    ),
    "preprod 2025-07, 49 days late": (
        "client=2024-05-16 client_two=2025-05-16",
        "client_two",
        "client client_two client_three",
        "client_three",
        "2025-07-04",
    ),
    "preprod 2026-06, in time": (
        "client=2024-05-16 client_two=2025-05-16 client_three=2026-07-04",
        "client_three",
        "client client_two client_three client_four",
        "client_four",
        "2026-06-10",
    ),
    "dev 2026-02, after the end": (
        "client=2024-05-10 client_three=2026-01-31",
        "client_three",
        "client client_three client_four",
        "client_four",
        "2026-02-02",
    ),
    "prod 2026-02, after the end": (
        "client=2026-01-31 client_two=2026-01-31",
        "client_two",
        "client client_two client_three",
        "client_three",
        "2026-02-02",
    ),
}


@pytest.mark.parametrize("told", ONE_STEP)
def test_a_rotation_in_one_commit_is_taken_apart_and_ends_with_one_certificate(told, tmp_path):
    """A rotation in one commit becomes separate phases.

    Leftovers are retired, and one certificate remains.
    """
    recorded, old, names, new, now = ONE_STEP[told]
    home = before(tmp_path, recorded, old, now)
    commit(tmp_path, names, new)
    _, patches = home.ask()
    steps = {rotation.label: rotation for rotation in patches.rotations}
    rotation = steps.pop(f"{CERTIFICATE}.{old}")
    assert (rotation.step, str(rotation.successor)) == (
        Next(Phase.INTRODUCE),
        f"{CERTIFICATE}.{new}",
    )
    assert rotation.taken_up is not None
    assert all(each.left_over and each.step == Next(Phase.RETIRE) for each in steps.values())
    assert len(steps) == len(recorded.split()) - 1
    hashing = [
        each.text
        for each in rotation.cautions
        if each.phase is Phase.INTRODUCE and "hashes" in each.text
    ]
    assert len(hashing) == 1
    assert "hashes api_gateway.tf, which introduce edits" in hashing[0]
    assert any(
        "outside Terraform" in each.text
        for each in rotation.cautions
        if each.phase is Phase.INTRODUCE
    )
    follow(home)
    assert set(home.certificates) == {f"{CERTIFICATE}.{new}"}
    assert home.stages == {f"{STAGE}.main": home.certificates[f"{CERTIFICATE}.{new}"]}
    assert f"{CERTIFICATE}.{new}.pem" in (tmp_path / "secrets.tf").read_text()


REPLACED = {
    "prod 2024-06, renamed": (
        "client=2024-05-18 client_two=2025-05-16",
        "client_two",
        "client_three",
        "client_three",
        "2024-06-27",
    ),
    "dev 2025-01, renamed": (
        "client=2024-05-10 client_two=2025-05-15",
        "client_two",
        "client client_three",
        "client_three",
        "2025-01-31",
    ),
    "prod 2025-01, a copied file": (
        "client_three=2025-06-27",
        "client_three",
        "client client_two",
        "client_two",
        "2025-01-31",
    ),
}


@pytest.mark.parametrize("told", REPLACED)
def test_a_block_that_goes_with_the_move_comes_back_first(told, tmp_path):
    """A commit that deletes the old block is blocked.

    After the block is put back, the rotation continues.
    """
    recorded, old, names, new, now = REPLACED[told]
    home = before(tmp_path, recorded, old, now)
    commit(tmp_path, names, new)
    _, patches = home.ask()
    rotation = next(each for each in patches.rotations if each.label == f"{CERTIFICATE}.{old}")
    assert isinstance(rotation.step, Blocked)
    assert "put the block back before anything is applied" in rotation.step.remedy
    assert not any(
        b"succeeds" in change.after for each in patches.patches for change in each.changes
    )
    file = tmp_path / "api_gateway.tf"
    file.write_text(f"{file.read_text()}\n{block(old)}")
    _, patches = home.ask()
    steps = {each.label: each.step for each in patches.rotations}
    assert steps[f"{CERTIFICATE}.{old}"] == Next(Phase.INTRODUCE)
    home.write(patches)
    assert f"client_certificate_id = {CERTIFICATE}.{old}.id" in file.read_text()


@pytest.mark.parametrize(
    "recorded", ["client=2024-05-18 client_two=2025-05-16", "client_two=2025-05-16"]
)
def test_an_apply_that_failed_halfway_is_taken_up_where_it_stands(recorded, tmp_path):
    """After an apply that failed halfway, introduce continues with the certificate that it created
    (prod 2024-06, second commit).

    The patch adds only the comment, although the file is hashed: the next apply moves the stage and
    redeploys anyway.
    """
    home = before(tmp_path, f"{recorded} client_three=2025-06-27", "client_two", "2024-06-27")
    commit(tmp_path, "client client_two client_three", "client_three")
    _, patches = home.ask()
    rotation = next(each for each in patches.rotations if each.label == f"{CERTIFICATE}.client_two")
    assert (rotation.step, str(rotation.successor)) == (
        Next(Phase.INTRODUCE),
        f"{CERTIFICATE}.client_three",
    )
    assert any(
        "hashes api_gateway.tf" in each.text
        for each in rotation.cautions
        if each.phase is Phase.INTRODUCE
    )
    (patch,) = [each for each in patches.patches if each.phase is Phase.INTRODUCE]
    assert patch.comments_only
    home.write(patches)
    steps = {each.label: each.step for each in home.ask()[1].rotations}
    step = steps[f"{CERTIFICATE}.client_two"]
    assert isinstance(step, Waiting)
    assert "the repoint phase is written but not applied" in step.reason


def test_a_comment_in_a_hashed_file_waits_for_a_deployment_where_no_apply_is_under_way(tmp_path):
    """A comment in a hashed file blocks the rotation if no apply is pending; a person can write the
    comment.
    """
    home = before(tmp_path, "client=2024-05-18 client_two=2025-05-10", "client", "2024-05-17")
    commit(tmp_path, "client client_two", "client")
    _, patches = home.ask()
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert "api_gateway.tf is hashed" in rotation.step.reason
    comment = rotation.step.remedy.split("`")[1]
    file = tmp_path / "api_gateway.tf"
    heading = f'resource "{CERTIFICATE}" "client_two"'
    file.write_text(file.read_text().replace(heading, f"{comment}\n{heading}"))
    assert [each.step for each in home.ask()[1].rotations] == [Next(Phase.REPOINT)]


def test_old_certificates_that_are_removed_at_last_wait_for_nothing_but_terraform(tmp_path):
    """Old certificates that no stage presents wait only for the apply that deletes them (prod
    2024-06, third commit).
    """
    home = before(
        tmp_path,
        "client=2025-06-27 client_two=2025-06-27 client_three=2025-06-27",
        "client_three",
        "2024-06-27",
    )
    commit(tmp_path, "client_three", "client_three")
    _, patches = home.ask()
    assert {each.label for each in patches.rotations} == {
        f"{CERTIFICATE}.client",
        f"{CERTIFICATE}.client_two",
    }
    for each in patches.rotations:
        assert isinstance(each.step, Waiting)
        assert (each.introduce_by, each.repoint_by) == (None, None)
    assert patches.patches == ()


def test_a_hash_of_another_file_is_no_caution(tmp_path):
    """A trigger that hashes another file than the edited one gives no caution."""
    home = before(tmp_path, "client=2024-05-10", "client", "2024-05-15")
    commit(tmp_path, "client client_two", "client_two")
    file = tmp_path / "api_gateway.tf"
    file.write_text(file.read_text().replace('file("api_gateway.tf")', 'file("clients.tf")'))
    (rotation,) = home.ask()[1].rotations
    assert not any("hashes" in each.text for each in rotation.cautions)
