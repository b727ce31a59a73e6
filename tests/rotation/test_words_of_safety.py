"""Every report agrees on when repoint is safe, until when it waits, and what to do when late."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import BASE, CERTIFICATE, NOW, STAGE, days, world

from checker.model.deadlines import Late, due, late_plan, moment
from checker.model.rotation import Next, Phase, Waiting
from checker.reports.html import render as html
from checker.reports.markdown import render as markdown
from checker.reports.text import render as text

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.orders_202611"
INTRODUCED = BASE + f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "orders_202611" {{\n}}\n'


def introduced(folder: Path, *, age: float, left: float):
    """Return a world with a successor of this age and this many days left of the predecessor."""
    return world(
        folder,
        {"main.tf": INTRODUCED},
        certificates={OLD: "old000", NEW: "new000"},
        stages={f"{STAGE}.prod": "old000"},
        ends={"old000": days(left), "new000": days(365 - age)},
    )


def only(home, **wish):
    _, patches = home.ask(**wish)
    (rotation,) = patches.rotations
    return rotation, patches


@pytest.mark.parametrize(("age", "step"), [(0, Waiting), (2.9, Waiting), (3, Next), (10, Next)])
def test_i2_next_gives_repoint_only_after_the_trust_window(age, step, tmp_path):
    """I2: repoint is next once the successor is three days old, the default trust window."""
    rotation, patches = only(introduced(tmp_path, age=age, left=40))
    assert isinstance(rotation.step, step)
    assert [entry.phase for entry in patches.patches] == ([Phase.REPOINT] if step is Next else [])
    if isinstance(rotation.step, Waiting):
        assert rotation.step.until == NOW - timedelta(days=age) + timedelta(days=3)
        assert not rotation.step.unverified


def test_i2_repoint_by_name_is_written_inside_the_window_as_a_preview(tmp_path):
    """I2: `--phase repoint` within the window writes a preview, and its condition gives
    the date.
    """
    rotation, patches = only(introduced(tmp_path, age=0, left=40), phase=Phase.REPOINT)
    assert [entry.phase for entry in patches.patches] == [Phase.REPOINT]
    assert isinstance(rotation.step, Waiting)
    assert "(does not hold before 2026-11-26)" in " ".join(patches.patches[0].unmet)


def test_a_window_that_ends_after_repoint_by_names_the_phase_to_ask_for(tmp_path):
    """If the trust window ends after repoint-by, the reason names `--phase repoint`."""
    rotation, _ = only(introduced(tmp_path, age=0, left=9))
    assert isinstance(rotation.step, Waiting)
    assert (
        "after repoint-by (2026-11-25), and `tfcert patch --phase repoint` writes the patch now"
        in rotation.step.reason
    )
    assert rotation.late is None


@pytest.mark.parametrize("report", [text, markdown, html])
@pytest.mark.parametrize(
    ("left", "why"),
    [(2, "Late: the trust window ends on"), (-5, "Late: the certificate ended on 2026-11-18.")],
)
def test_a_late_rotation_says_so_in_every_report(report, left, why, tmp_path):
    """A late rotation has the reason, the order of steps and both risks in every report, and no
    past deadline.
    """
    home = introduced(tmp_path, age=0, left=left)
    page = " ".join(report(home.judge()).split()).replace("&#39;", "'")
    assert why in page
    assert "Give the successor's PEM to every backend" in page
    assert "backend that checks dates" in page
    assert "--phase repoint" in page
    assert "repoint by 2026" not in page


@pytest.mark.parametrize(("age", "early"), [(0, True), (3, False)])
def test_a_repoint_that_is_written_too_early_is_not_told_to_be_applied(age, early, tmp_path):
    """A written repoint of a successor within the trust window says before which date not to apply
    it.
    """
    home = introduced(tmp_path, age=age, left=40)
    (tmp_path / "main.tf").write_text(INTRODUCED.replace(f"= {OLD}.id", f"= {NEW}.id"))
    rotation, _ = only(home)
    assert isinstance(rotation.step, Waiting)
    assert "written but not applied" in rotation.step.reason
    assert (
        "do not apply it before 2026-11-26: the successor is 0 days old" in rotation.step.reason
    ) is early


@pytest.mark.parametrize(("age", "early"), [(0, True), (3, False)])
def test_a_literal_id_that_is_repointed_too_early_is_not_told_to_be_applied(age, early, tmp_path):
    """A written repoint of a literal id within the trust window says so too."""
    text = BASE.partition("\n\n")[2].replace(f"= {OLD}.id", f"= {NEW}.id")
    home = world(
        tmp_path,
        {
            "main.tf": f'# tfcert: succeeds old000\nresource "{CERTIFICATE}" "orders_202611" {{\n}}\n\n{text}'
        },
        certificates={NEW: "new000"},
        stages={f"{STAGE}.prod": "old000"},
        ends={"old000": days(40), "new000": days(365 - age)},
    )
    rotation, _ = only(home)
    assert isinstance(rotation.step, Waiting)
    assert "written but not applied" in rotation.step.reason
    assert (
        "do not apply it before 2026-11-26: the successor is 0 days old" in rotation.step.reason
    ) is early


def test_nothing_is_late_while_the_window_fits(tmp_path):
    """A rotation whose trust window ends in time is not late."""
    assert only(introduced(tmp_path, age=0, left=40))[0].late is None


def test_a_repointed_rotation_is_not_late(tmp_path):
    """A repointed rotation is not late, because no stage presents the old certificate."""
    home = introduced(tmp_path, age=10, left=-5)
    home.stages = {f"{STAGE}.prod": "new000"}
    (tmp_path / "main.tf").write_text(INTRODUCED.replace(f"= {OLD}.id", f"= {NEW}.id"))
    assert only(home)[0].late is None


def test_deadlines_in_words():
    """A deadline reads "by" a date until it is past, then "now"; midnight is shown as a date."""
    by = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    assert due(by, by - timedelta(seconds=1)) == "by 2026-11-27"
    assert due(by, by) == "now (was due 2026-11-27)"
    assert (moment(by), moment(datetime(2026, 12, 5, tzinfo=UTC))) == (
        "2026-11-27 12:00 UTC",
        "2026-12-05",
    )


def test_a_late_plan_without_a_known_age_still_says_why():
    """Without the successor's age, a late rotation still gives its reason."""
    plan = late_plan(Late(ends=NOW + timedelta(days=1), window_ends=None, introduced=True), NOW)
    assert plan.why == "Late: the trust window outlasts the certificate's end on 2026-11-24."
    assert not any("introduce" in step for step in plan.steps)


@pytest.fixture
def late_story(tmp_path, fixtures):
    """Return the files of a rotation that began two days before the end."""
    shutil.copytree(fixtures / "late", tmp_path / "late")
    return tmp_path / "late"


INTRODUCED_LATE = """\
resource "aws_api_gateway_client_certificate" "edge" {
}

resource "aws_api_gateway_client_certificate" "edge_two" {
}

# tfcert: succeeds aws_api_gateway_client_certificate.edge_two
resource "aws_api_gateway_client_certificate" "api_gateway_client_202602" {
}

resource "aws_api_gateway_stage" "main" {
  rest_api_id           = "api0prod"
  deployment_id         = "d1"
  stage_name            = "orders-api-prod"
  client_certificate_id = aws_api_gateway_client_certificate.edge_two.id
}
"""


def test_check_and_patch_agree_on_a_late_rotation(late_story, tfcert):
    """`check` and `patch` give the same reason, phase and steps for a late rotation."""
    (late_story / "cfg" / "main.tf").write_text(INTRODUCED_LATE)
    state = [
        "state-introduced.json",
        "--config",
        "cfg",
        "--as-of",
        "2026-02-02T14:00:00Z",
        "--offline",
    ]
    checked = json.loads(tfcert("check", *state, "--format", "json", cwd=late_story).stdout)
    rotation = next(
        each for each in checked["rotations"] if each["predecessor"].endswith(".edge_two")
    )
    patched = " ".join(tfcert("patch", *state, cwd=late_story).stdout.decode().split())
    assert rotation["phase"] == "waiting"
    assert rotation["late"] == {
        "ends": "2026-01-31T11:31:06Z",
        "window_ends": "2026-02-05T12:00:00Z",
        "introduced": True,
    }
    assert "Late: the certificate ended on 2026-01-31." in patched
    remedies = [finding["remedy"] for finding in checked["findings"]]
    assert not any("repoint the stages now (`tfcert patch`)" in remedy for remedy in remedies), (
        remedies
    )
    assert any("tfcert patch --phase repoint" in remedy for remedy in remedies), remedies


def test_a_rotation_begun_after_the_end_has_no_deadline_ahead(late_story, tfcert):
    """A rotation that began after the end shows its deadlines as past."""
    done = tfcert(
        "check",
        "state.json",
        "--config",
        "cfg",
        "--offline",
        "--as-of",
        "2024-05-16T09:33:41Z",
        cwd=late_story,
    )
    shown = " ".join(done.stdout.decode().split())
    assert "introduce now (was due 2024-05-0" in shown
    assert "Late: the certificate ended on" in shown or "Late: the trust window ends on" in shown
