"""Paths that are not UTF-8 work in every command and format, and are printed with escapes."""

from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ET

import pytest

DAY_12 = ("--offline", "--as-of", "2026-11-24")
FORMATS = ("text", "json", "markdown", "sarif", "junit", "github", "gitlab", "openmetrics", "html")


@pytest.fixture
def odd(story):
    """Return the story in a folder, and with a file, whose names are not UTF-8."""
    place = os.fsencode(story.parent) + b"/caf\xe9"
    odd = story.rename(os.fsdecode(place))
    (odd / "certificate.tf").rename(odd / "cert\udcff.tf")
    return str(odd)


def content(place):
    return {name: open(os.path.join(place, name), "rb").read() for name in os.listdir(place)}  # noqa: PTH123, PTH118, PTH208


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_utf_8(tfcert, odd, name):
    """Every format is valid UTF-8 on stdout and in a file with such a name, with and without
    patches.
    """
    for patches in ((), ("--patches",)):
        done = tfcert("check", f"{odd}/terraform.tfstate", *DAY_12, *patches, "--format", name)
        assert (done.returncode, done.stderr) == (1, b"")
        text = done.stdout.decode()
        if name in {"json", "sarif", "gitlab"}:
            json.loads(text)
            assert not any(
                "\ud800" <= char <= "\udfff"
                for char in json.dumps(json.loads(text), ensure_ascii=False)
            )
        if name == "junit":
            ET.fromstring(text)
    done = tfcert("check", f"{odd}/terraform.tfstate", *DAY_12, "--format", f"{name}={odd}/r\udcfe")
    assert (done.returncode, done.stderr) == (1, b"")


def test_patches_apply_by_git_and_are_what_write_does(tfcert, odd):
    """A patch of such a file applies with git, and `--write` gives the same bytes."""
    before = content(odd)
    diff = tfcert("patch", "terraform.tfstate", *DAY_12, cwd=odd)
    assert (diff.returncode, diff.stderr) == (0, b"")
    assert b'"a/cert\\377.tf"' in diff.stdout
    subprocess.run(["git", "init", "--quiet"], cwd=odd, check=True)
    subprocess.run(["git", "apply", "-"], cwd=odd, input=diff.stdout, check=True)
    by_git = files(odd)
    for name, text in before.items():
        with open(f"{odd}/{name}", "wb") as stream:  # noqa: PTH123
            stream.write(text)
    done = tfcert("patch", "terraform.tfstate", *DAY_12, "--write", cwd=odd)
    assert (done.returncode, done.stderr) == (0, b"")
    assert files(odd) == by_git != before
    assert b"edited cert\\udcff.tf" in done.stdout


def files(place):
    entries = [entry for entry in os.scandir(place) if entry.is_file()]
    return {entry.name: open(entry.path, "rb").read() for entry in entries}  # noqa: PTH123


def test_the_other_verbs_and_outputs(tfcert, odd):
    """patch --out, bundle --out and --recursive work with such paths."""
    for arguments in (
        ("patch", f"{odd}/terraform.tfstate", *DAY_12, "--phase", "all", "--out", f"{odd}/o\udcfe"),
        ("bundle", f"{odd}/terraform.tfstate", *DAY_12, "--out", f"{odd}/b\udcfe.pem"),
        ("patch", "--recursive", odd, *DAY_12),
    ):
        done = tfcert(*arguments)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
        done.stdout.decode()
    assert max(os.listdir(f"{odd}/o\udcfe")) == "RUNBOOK.md"  # noqa: PTH208


def test_an_unreadable_one_is_one_line(tfcert, odd):
    """An error names such a path with an escape, in one line."""
    done = tfcert("check", f"{odd}/nothing\udcfe", *DAY_12)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"nothing\\udcfe" in done.stderr
