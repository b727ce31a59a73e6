"""An output that is an input of the same run is refused, by any path, before anything is
written.
"""

from __future__ import annotations

import os

import pytest

DAY_12 = ("terraform.tfstate", "--offline", "--as-of", "2026-11-24")


def content(place):
    """Return each file below a folder."""
    return {
        str(file.relative_to(place)): file.read_bytes()
        for file in place.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def spoilt(story):
    """Return the story with links to its files, and a policy."""
    (story / "soft").symlink_to("terraform.tfstate")
    os.link(story / "terraform.tfstate", story / "hard")
    os.link(story / "orders.tf", story / "hard-orders")
    (story / "sub").mkdir()
    (story / "sub" / "linked").symlink_to(story)
    (story / "tfcert.toml").write_text("threshold_days = 30\n")
    return story


@pytest.mark.parametrize(
    "name",
    ["terraform.tfstate", "./terraform.tfstate", "sub/../terraform.tfstate", "soft", "hard", "sub/linked/terraform.tfstate",
     "orders.tf", "hard-orders", "certificate.tf", "tfcert.toml", "new.tf", "x.auto.tfvars", "sub/linked/new.tofu"],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["check", "scan", "bundle"])
def test_a_report_never_replaces_what_it_is_made_from(tfcert, spoilt, verb, name):
    """A report cannot replace the state, a .tf file, the policy, or create a file that Terraform
    reads.
    """
    before = content(spoilt)
    arguments = {
        "check": ("check", *DAY_12, "--format", "github=other.txt", "--format", f"json={name}"),
        "scan": (
            "scan",
            "terraform.tfstate",
            "--region",
            "us-east-1",
            "--timeout",
            "1",
            "--format",
            f"json={name}",
        ),
        "bundle": ("bundle", *DAY_12, "--out", name),
    }[verb]
    done = tfcert(*arguments, cwd=spoilt)
    assert done.returncode == 2, done.stderr
    assert b"is an input of this run" in done.stderr
    assert content(spoilt) == before


def test_a_directory_as_the_source_has_the_same_inputs(tfcert, spoilt):
    """The inputs of a directory source are protected too, with --recursive and through a link."""
    before = content(spoilt)
    for source in (".", "sub/linked"):
        done = tfcert(
            "check", source, "--recursive", "--offline", "--format", "json=orders.tf", cwd=spoilt
        )
        assert (done.returncode, b"is an input of this run" in done.stderr) == (2, True), (
            done.stderr
        )
    assert content(spoilt) == before


def test_patches_do_not_go_into_a_source(tfcert, spoilt):
    """A patch cannot be written through a link to the state; the folder of the source is
    allowed.
    """
    (spoilt / "out").mkdir()
    (spoilt / "out" / "RUNBOOK.md").symlink_to("../terraform.tfstate")
    before = content(spoilt)
    done = tfcert("patch", *DAY_12, "--out", "out", cwd=spoilt)
    assert (done.returncode, b"is an input of this run" in done.stderr) == (2, True)
    assert content(spoilt) == before
    assert tfcert("patch", *DAY_12, "--out", ".", cwd=spoilt).returncode == 0


def test_other_outputs_are_written(tfcert, spoilt):
    """Other outputs are written: a new file, an earlier report, a device."""
    for name in ("report.json", "report.json", "/dev/null", "sub/linked/two.json"):
        done = tfcert("check", *DAY_12, "--format", f"json={name}", cwd=spoilt)
        assert done.returncode == 1, done.stderr
    assert (spoilt / "two.json").exists()


@pytest.mark.parametrize(
    "seconds", ["inf", "-inf", "nan", "1e308", "-1", "0", "0.05", "86401", "x", ""]
)
@pytest.mark.parametrize("verb", ["check", "scan", "patch", "bundle"])
def test_a_timeout_is_a_number_of_seconds_that_can_be_waited(tfcert, story, verb, seconds):
    """A --timeout out of range is exit code 2, and nothing is read."""
    done = tfcert(verb, "terraform.tfstate", f"--timeout={seconds}", cwd=story)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--timeout" in done.stderr
    assert b"Traceback" not in done.stderr
