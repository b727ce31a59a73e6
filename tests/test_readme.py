"""The README's transcripts are run and must print what they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSCRIPTS = re.findall(r"```console\n\$ tfcert (.*)\n([\s\S]*?)\[exit (\d)\]\n```", README)


@pytest.mark.parametrize(
    ("command", "printed", "code"), TRANSCRIPTS, ids=[command[:20] for command, _, _ in TRANSCRIPTS]
)
def test_a_transcript_is_true(tfcert, fixtures, command, printed, code):
    """Each console block of the README equals the command's output in fixtures/readme, byte for
    byte, with its exit code.
    """
    done = tfcert(*shlex.split(command), cwd=fixtures / "readme")
    assert done.stdout.decode() == printed
    assert done.returncode == int(code)


def test_there_are_transcripts():
    """The README has two transcripts: a check and a patch."""
    assert len(TRANSCRIPTS) == 2


def test_links_lead_somewhere():
    """Every relative link of the README and the docs leads to a file that exists."""
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
