"""On a full disk no partial file remains, and the error names the file."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAY_12 = ("terraform.tfstate", "--offline", "--as-of", "2026-11-24")


def content(place):
    """Return each file and folder below a folder."""
    return {
        str(file.relative_to(place)): file.read_bytes() if file.is_file() else None
        for file in place.rglob("*")
    }


@pytest.fixture
def short(story):
    """Return a function that runs tfcert with a limit on the file size."""

    def run(*arguments, most):
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(story.parent),
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": cache,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [sys.executable, "-c", "from checker.cli import main; main()", *arguments],
            cwd=story,
            env=environment,
            capture_output=True,
            timeout=120,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )

    return run


@pytest.mark.parametrize("most", [0, 100, 3000])
@pytest.mark.parametrize("there", [False, True])
def test_out_leaves_no_empty_patch(short, story, most, there):
    """`patch --out` on a full disk leaves no file and no new folder, and keeps existing files."""
    if there:
        (story / "deep").mkdir()
        (story / "deep" / "RUNBOOK.md").write_text("an earlier one\n")
    before = content(story)
    done = short(
        "patch", *DAY_12, "--phase", "all", "--out", "deep" if there else "deep/er", most=most
    )
    assert done.returncode == 2
    assert content(story) == before
    assert b"File too large" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


@pytest.mark.parametrize(
    "arguments", [("patch", *DAY_12, "--write"), ("bundle", *DAY_12, "--out", "b.pem")]
)
def test_write_and_bundle_leave_all_as_it_was(short, story, arguments):
    """`patch --write` and `bundle --out` on a full disk change nothing."""
    before = content(story)
    for most in (0, 300):
        done = short(*arguments, most=most)
        assert (done.returncode, b"Traceback" in done.stderr) == (2, False), done.stderr
        assert content(story) == before


def test_a_report_that_does_not_fit_leaves_the_earlier_one_and_its_neighbours(short, story):
    """If the second of two formats does not fit, neither is written."""
    (story / "r.json").write_text("{}")
    before = content(story)
    done = short("check", *DAY_12, "--format", "github=g.txt", "--format", "json=r.json", most=1000)
    assert done.returncode == 2
    assert content(story) == before
    assert json.loads((story / "r.json").read_text()) == {}


def test_a_device_that_is_full_is_said(tfcert, story):
    """/dev/full as a format's file is an error, and the other format is not written."""
    before = content(story)
    done = tfcert(
        "check", *DAY_12, "--format", "github=g.txt", "--format", "json=/dev/full", cwd=story
    )
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr
    assert content(story) == before


def test_on_a_real_file_system_that_is_full(tfcert, story, tmp_path):
    """A full tmpfs is an error with the system's message, and leaves no file."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        done = tfcert("patch", *DAY_12, "--phase", "all", "--out", small / "rotation", cwd=story)
        assert done.returncode == 2
        assert b"No space left on device" in done.stderr
        assert content(small) == {}
    finally:
        subprocess.run(["umount", small], check=True)
