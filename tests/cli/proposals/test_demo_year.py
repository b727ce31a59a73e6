"""`tfcert demo --propose`: a year of the bot on an embedded AWS and an embedded forge."""

from __future__ import annotations

import re


def test_a_year_has_three_requests_and_leaves_none_open(tfcert, tmp_path):
    """Each phase is proposed once, in order and at its time; in between, the bot waits or has nothing to do."""
    folder = tmp_path / "year"
    done = tfcert("demo", "--propose", "--folder", folder)
    text = done.stdout.decode()
    assert done.returncode == 0, text + done.stderr.decode()
    assert re.findall(r"^  #(\d) .*\((\d) of 3\): (\w+)", text, re.MULTILINE) == [
        ("1", "1", "introduce"),
        ("2", "2", "repoint"),
        ("3", "3", "retire"),
    ]
    assert text.count("nothing to propose") == 2
    assert text.count("is current") == 1
    assert "waiting: the introduce phase is written but not applied" in text
    assert "waiting until" in text
    assert "Requests: 3 merged, 0 open." in text
    configuration = (folder / "live/certificate.tf").read_text()
    assert 'client_certificate" "backend"' not in configuration


def test_the_demo_is_one_of_two(tfcert):
    """--apply is another story."""
    done = tfcert("demo", "--propose", "--apply")
    assert done.returncode == 2
    assert b"contradict" in done.stderr
