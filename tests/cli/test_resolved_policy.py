"""Resolving the policy of a run: changes by the command line, and their origins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checker.cli.output import formats, wants_patches
from checker.cli.policy_base import run_policy
from checker.cli.policy_options import options, resolve_policy
from checker.errors import UsageError
from checker.model.severity import FailOn


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return an empty current folder, with no variable of tfcert set."""
    monkeypatch.chdir(tmp_path)
    for name in ("TFCERT_POLICY", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_an_option_wins_over_the_file_and_is_recorded(folder):
    """An option overrides the file, and is recorded as the origin."""
    (folder / "tfcert.toml").write_text("threshold_days = 20\nnotice_days = 70\n")
    found = resolve_policy(None, options(threshold=30))
    assert (found.policy.threshold_days, found.policy.notice_days) == (30, 70)
    assert [(each.by, each.value) for each in found.overrides] == [("--threshold", 30)]
    assert len(found.layers) == 1


def test_a_threshold_above_the_notice_raises_the_notice(folder):
    """A threshold above the notice raises the notice; an explicit lower notice is an error."""
    found = resolve_policy(None, options(threshold=500))
    assert found.policy.notice_days == 500
    with pytest.raises(UsageError, match="below threshold_days") as caught:
        resolve_policy(None, options(threshold=500, notice=10))
    assert str(caught.value.where) == "--notice"


def test_a_file_that_is_found_cannot_switch_failing_off(folder):
    """`fail_on = "never"` is refused in a policy file that was found, and accepted in a
    named one.
    """
    (folder / "tfcert.toml").write_text('fail_on = "never"\n')
    with pytest.raises(UsageError, match="cannot set fail_on"):
        resolve_policy(None)
    assert resolve_policy("tfcert.toml").policy.fail_on is FailOn.NEVER


@pytest.mark.parametrize("repository", [False, True])
def test_a_policy_of_another_user_in_a_folder_above_is_refused(folder, monkeypatch, repository):
    """A policy above the current folder is used only if root, this user or the folder's owner
    owns it: in /tmp anybody may write one, and a `.git` beside it.
    """
    plain = Path.lstat

    def of_another(path):
        status = plain(path)
        other = [*status[:4], os.geteuid() + 1, *status[5:]]
        return os.stat_result(other) if path == folder / "tfcert.toml" else status

    (folder / "tfcert.toml").write_text("threshold_days = 0\nnotice_days = 0\n")
    if repository:
        (folder / ".git").mkdir()
    monkeypatch.setattr(Path, "lstat", of_another)
    assert resolve_policy(None).policy.threshold_days == 0
    (folder / "mine").mkdir()
    monkeypatch.chdir(folder / "mine")
    with pytest.raises(UsageError, match="belongs to another user"):
        resolve_policy(None)
    assert resolve_policy("../tfcert.toml").policy.threshold_days == 0
    assert resolve_policy("default").policy.threshold_days == 30
    monkeypatch.undo()
    monkeypatch.chdir(folder / "mine")
    assert resolve_policy(None).policy.threshold_days == 0


def test_without_a_base_the_documents_stay_the_same_object(folder):
    """Without --policy-base and --no-inline-exemptions the documents are not copied."""
    loaded = object()
    with run_policy(None, None) as held:
        assert held.exemptions(loaded) is loaded
        assert held.policy is held.resolved.policy


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (["jsn"], "unknown format 'jsn'"),
        (["json="], "names no file"),
        (["json", "text"], "two formats for one stdout"),
        (["json=a", "sarif=./a"], "two formats for one file"),
    ],
)
def test_formats_that_contradict_each_other_are_refused(folder, wanted, words):
    """Formats that contradict each other are refused."""
    with pytest.raises(UsageError, match=words):
        formats(wanted)


def test_formats_are_pairs_of_a_name_and_a_file(folder):
    """A format is a name and a file; `-` or no file is stdout, and the default is text."""
    assert formats(None) == (("text", None),)
    assert formats(["json=out.json", "text=-"]) == (("json", "out.json"), ("text", None))
    assert wants_patches(formats(["html=page.html"]))
    assert not wants_patches(formats(["json"]))
