"""The page about the first steps shows exactly what tfcert prints."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checker.demo.emulator import SeedApi, SeedCertificate

PAGE = (Path(__file__).resolve().parents[2] / "docs/first-steps.md").read_text(encoding="utf-8")
SHOWN = re.findall(
    r"^```console\n\$ tfcert (.*)\n([\s\S]*?)\[exit (\d)\]\n```$", PAGE, re.MULTILINE
)
VERSIONS = re.compile(r"^tfcert .*\n")


@pytest.fixture
def story_in_aws(aws):
    """Return the emulator with the certificate and stages of the README's state."""
    aws.seed(
        SeedCertificate(id="rj3hhn", expires_at=datetime(2026, 12, 6, tzinfo=UTC)),
        SeedApi(id="tytvdpoyw3", stages={"live": "rj3hhn"}),
        SeedApi(id="lo64vzqnaj", stages={"live": "rj3hhn", "test": "rj3hhn"}),
    )
    return aws


def test_the_page_shows_what_doctor_prints(tfcert, tmp_path, story, story_in_aws):
    """The page shows what `tfcert doctor` prints in the README's folder, apart from versions, and
    explains each line.
    """
    ((command, printed, code),) = SHOWN
    program = tmp_path / "terraform"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = story_in_aws.environment({"PATH": str(tmp_path)})
    done = tfcert(*command.split(), cwd=story, environment=environment)
    # A longer path of the program wraps elsewhere, so white space does not count.
    text, shown = ("".join(VERSIONS.sub("", each).split()) for each in (done.stdout.decode(), printed))  # fmt: skip
    assert text.replace(str(program), "/usr/bin/terraform") == shown
    assert done.returncode == int(code)
    assert {line[11:25].strip() for line in printed.splitlines()[1:-1]} - {""} == {
        name for name in re.findall(r"^\| ([\w ]+) \|", PAGE, re.MULTILINE) if name != "line"
    }
