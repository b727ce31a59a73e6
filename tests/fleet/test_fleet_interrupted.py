"""Ctrl-C while a fleet is read: the report has the states that were read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from states import AS_OF, due, other, state, write

ROOT = Path(__file__).resolve().parents[2]
SLOW = """
import sys, time
import checker.fleet.workers as workers
plain = workers.open_file
def slow(path):
    time.sleep(0.05)
    return plain(path)
workers.open_file = slow
import checker.cli as cli
sys.argv = ["tfcert", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize("file", ["", "report.json"], ids=["stdout", "file"])
def test_what_was_read_by_then_is_judged(tmp_path, file):
    """After Ctrl-C the exit code is 130, unread states are named, and AWS is not called."""
    for number in range(400):
        write(
            tmp_path / f"fleet/{number:03d}.tfstate", state(due(number) if number < 5 else other())
        )
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "check", "--states", "fleet", "--as-of", AS_OF, "--format",
         f"json={file}" if file else "json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err.decode()
    report = json.loads((tmp_path / file).read_bytes() if file else out)
    assert report["offline"] is True
    assert len(report["sources"]) == 5
    assert any("the run was interrupted" in each["message"] for each in report["findings"])
    assert b"Traceback" not in err
    assert b"interrupted" in err
