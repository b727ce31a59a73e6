"""Remedies about an apply, followed with the real tool until the finding is gone."""

from __future__ import annotations

import pytest
from rig.bench import Bench
from rig.processes import run

from checker.demo.emulator import access_denied

pytestmark = pytest.mark.xdist_group("acceptance-remedies-followed")

OLD = "aws_api_gateway_client_certificate.orders"


def test_a_taint_a_state_that_lags_and_a_failed_update(aws, tool, tmp_path):
    """`untaint` removes the replacement, `-target` creates only the successor, and another apply
    completes a failed update.
    """
    bench = Bench.lay(aws, tool, tmp_path / tool.binary.name, "single")
    bench.apply_at_once()

    terraform(bench, "taint", OLD)
    tainted = bench.check_plan(bench.plan("tainted", "-refresh=false"))
    for rule in ("rotation-destroys-in-use", "rotation-unstaged"):
        found = [finding for finding in tainted.document["findings"] if finding["rule"] == rule]
        assert all(
            finding["remedy"].startswith(f"run `terraform untaint '{OLD}'`") for finding in found
        ), found
        assert found
    terraform(bench, "untaint", OLD)
    bench.assert_nothing_changes()

    patches = bench.beside / "patches"
    bench.patch("--phase", "all", "--even-if-not-due", "--out", str(patches))
    for name in ("1-introduce.patch", "2-repoint.patch"):
        bench.git("apply", "-", stdin=(patches / name).read_bytes())
    (rotation,) = bench.check("infra").document["rotations"]
    new = rotation["successor"]
    assert rotation["phase"] == "blocked"
    assert "two phases ahead of this state" in rotation["reason"]
    alone = bench.plan("alone", f"-target={new}")
    assert {
        address: actions for address, actions in alone.changes().items() if actions != ["no-op"]
    } == {new: ["create"]}
    assert bench.check_plan(alone, "--expect", "next").code == 0
    # The successor is made now, because one that ends before the predecessor is refused.
    terraform(bench, "apply", "-input=false", "-no-color", str(alone.binary))
    (rotation,) = bench.check("infra").document["rotations"]
    assert rotation["phase"] == "waiting"
    assert "the repoint phase is written but not applied" in rotation["reason"]

    aws.faults.inject("UpdateStage", access_denied())
    assert (
        terraform(
            bench,
            "apply",
            "-input=false",
            "-no-color",
            "-refresh=false",
            "-auto-approve",
            fails=True,
        )
        != 0
    )
    aws.faults.clear()
    drifted = [
        found
        for found in bench.check("infra").document["findings"]
        if found["rule"] == "certificate-drifted"
    ]
    assert drifted
    for found in drifted:
        assert "an apply failed before it changed the stage" in found["message"]
        assert found["remedy"].startswith("plan and apply again")
    terraform(bench, "apply", "-input=false", "-no-color", "-auto-approve")
    judged = bench.check("infra")
    assert "certificate-drifted" not in judged.rules
    assert [rotation["phase"] for rotation in judged.document["rotations"]] == ["retire"]


def terraform(bench: Bench, *arguments: str, fails: bool = False) -> int:
    """Run a command of the real tool, and return its exit code."""
    ended = run(
        [bench.tool.binary.path, *arguments], folder=bench.infra, environment=bench.attached
    )
    assert fails or ended.code == 0, str(ended)
    return ended.code
