"""The end of a run: complete output, and no traceback if the reader has gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TFCERT = [sys.executable, "-c", "from checker.cli import main; main()"]


@pytest.fixture
def leave(story):
    """Return a function that runs tfcert with this standard output."""

    def run(*words, stdout):
        return subprocess.run(
            [*TFCERT, *words],
            cwd=story,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "words", [("check", "--offline", "terraform.tfstate"), ("--help",), ("rules",)]
)
def test_a_full_disk_behind_standard_output_is_one_line(leave, words):
    """A full disk behind standard output is one error line and exit code 2."""
    with Path("/dev/full").open("wb") as full:
        done = leave(*words, stdout=full)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "No space left on device" in done.stderr.decode()


@pytest.mark.parametrize(("as_of", "code"), [("2026-08-01", 0), ("2026-11-24", 1)])
def test_a_reader_that_goes_away_changes_no_verdict(leave, as_of, code):
    """A reader that closes the pipe does not change the exit code."""
    reading, writing = os.pipe()
    os.close(reading)
    done = leave("check", "--offline", "--as-of", as_of, "terraform.tfstate", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (code, b"")


def test_a_missing_current_folder_is_not_reported_as_a_full_disk(tmp_path):
    """A missing current folder is an error of its own, exit code 2."""
    command = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" -P -m checker check plan.json'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        b"tfcert: error: the current folder does not exist or cannot be read; "
        b"change to another folder\n"
    )
