"""`tfcert check --patches`: the patches of due rotations in the report."""

from __future__ import annotations

import subprocess
import sys

import pytest

STATE = "terraform.tfstate"
DAY_12 = (STATE, "--offline", "--as-of", "2026-11-24")
OLD = "aws_api_gateway_client_certificate.backend"


def test_the_report_has_the_patches_that_patch_stores(outcome, tfcert, story):
    """The report has the same patches as `tfcert patch --phase all --out`, with their unmet
    conditions.
    """
    document, code = outcome(*DAY_12, "--patches", cwd=story)
    tfcert("patch", *DAY_12, "--phase", "all", "--out", "stored", cwd=story)
    assert code == 1
    assert [(patch["phase"], patch["file"]) for patch in document["patches"]] == [
        ("introduce", "1-introduce.patch"),
        ("repoint", "2-repoint.patch"),
        ("retire", "3-retire.patch"),
    ]
    for patch in document["patches"]:
        assert patch["diff"].encode() == (story / "stored" / patch["file"]).read_bytes()
        assert patch["rotations"] == [OLD]
    introduce, repoint, _ = document["patches"]
    assert introduce["unmet"] == []
    assert f"{OLD}_202611 is applied and in state (does not hold now)" in repoint["unmet"]


def test_without_being_asked_for_there_are_none(outcome, story):
    """Without --patches the report has no patches and is otherwise the same."""
    plain, _ = outcome(*DAY_12, cwd=story)
    patched, _ = outcome(*DAY_12, "--patches", cwd=story)
    assert plain["patches"] == []
    assert {**patched, "patches": []} == plain


def test_each_configuration_has_its_own(outcome, story):
    """Each of two root modules has its own patches, under its folder."""
    both = story.parent / "both"
    for name in ("one", "two"):
        (both / name).mkdir(parents=True)
        for file in story.iterdir():
            (both / name / file.name).write_bytes(file.read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=both, check=True, timeout=60)
    document, _ = outcome(f"one/{STATE}", f"two/{STATE}", *DAY_12[1:], "--patches", cwd=both)
    names = [patch["file"] for patch in document["patches"]]
    assert names == [
        f"{root}/{n}.patch"
        for root in ("one", "two")
        for n in ("1-introduce", "2-repoint", "3-retire")
    ]
    first = document["patches"][3]["diff"].encode()
    assert (
        subprocess.run(
            ["git", "apply", "--check", "-"], cwd=both, input=first, check=False, timeout=60
        ).returncode
        == 0
    )
    assert b"+++ b/two/certificate.tf" in first
    assert len(document["rotations"]) == 2


def test_without_a_configuration_there_is_nothing_to_write(outcome, story, tmp_path):
    """Without a configuration there are no patches, and the rotation is blocked."""
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / STATE).write_bytes((story / STATE).read_bytes())
    document, code = outcome(*DAY_12, "--patches", cwd=tmp_path / "alone")
    assert (code, document["patches"]) == (1, [])
    assert [rotation["phase"] for rotation in document["rotations"]] == ["blocked"]


SCRIPT = """
import os, sys
sys.argv[1:] = ["check", *sys.argv[1:]]
from checker.cli import main
os._exit = sys.exit  # which ends a run before anything could be said here
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(("more", "loads"), [((), False), (("--patches",), True)])
def test_a_check_that_nobody_asks_for_patches_loads_nothing_that_writes_them(
    story, tmp_path, more, loads
):
    """A check without --patches imports no module that writes patches."""
    (tmp_path / STATE).write_bytes((story / STATE).read_bytes())
    command = [sys.executable, "-c", SCRIPT, *DAY_12, *more]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    loaded = set(run.stderr.split())
    assert run.returncode == 1
    assert loaded.isdisjoint(
        {"junitparser", "prometheus_client", "checker.reports.sarif", "checker.reports.html"}
    )
    assert loaded.isdisjoint({"boto3", "botocore", "rich", "cryptography", "pydantic", "jinja2"})
    assert "hcl2" not in loaded
    for module in ("checker.patches.write", "checker.hcl.proof"):
        assert (module in loaded) is loads


def test_the_text_says_which_patches_there_are(tfcert, story):
    """The text report lists the patches without their content."""
    text = tfcert("check", *DAY_12, "--patches", cwd=story).stdout.decode()
    assert f"\n1-introduce.patch: {OLD}\n2-repoint.patch: {OLD}\n    first: " in text
    assert "`tfcert patch --phase all --out DIR` stores them" in " ".join(text.split())
    assert "--- a/" not in text
