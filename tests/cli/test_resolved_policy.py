"""The policy of a run, resolved in this process: what the command line changes in it, and from where."""

from __future__ import annotations

import pytest

from checker.cli.output import formats, wants_patches
from checker.cli.policy_base import run_policy
from checker.cli.policy_options import options, resolve_policy
from checker.errors import UsageError
from checker.model.severity import FailOn


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current folder, and no variable of tfcert."""
    monkeypatch.chdir(tmp_path)
    for name in ("TFCERT_POLICY", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_an_option_wins_over_the_file_and_is_recorded(folder):
    """The nearest file counts, then the option; both are known as origins."""
    (folder / "tfcert.toml").write_text("threshold_days = 20\nnotice_days = 70\n")
    found = resolve_policy(None, options(threshold=30))
    assert (found.policy.threshold_days, found.policy.notice_days) == (30, 70)
    assert [(each.by, each.value) for each in found.overrides] == [("--threshold", 30)]
    assert len(found.layers) == 1


def test_a_threshold_above_the_notice_raises_the_notice(folder):
    """A warning never comes after its error."""
    found = resolve_policy(None, options(threshold=500))
    assert found.policy.notice_days == 500
    with pytest.raises(UsageError, match="below threshold_days") as caught:
        resolve_policy(None, options(threshold=500, notice=10))
    assert str(caught.value.where) == "--notice"


def test_a_file_that_is_found_cannot_switch_failing_off(folder):
    """Only a file that is named may say `fail_on = "never"`."""
    (folder / "tfcert.toml").write_text('fail_on = "never"\n')
    with pytest.raises(UsageError, match="cannot set fail_on"):
        resolve_policy(None)
    assert resolve_policy("tfcert.toml").policy.fail_on is FailOn.NEVER


def test_without_a_base_the_documents_stay_the_same_object(folder):
    """A run without --policy-base and --no-inline-exemptions copies nothing."""
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
    """Each format has a destination of its own."""
    with pytest.raises(UsageError, match=words):
        formats(wanted)


def test_formats_are_pairs_of_a_name_and_a_file(folder):
    """`-` and nothing are stdout; without the option, it is the text report."""
    assert formats(None) == (("text", None),)
    assert formats(["json=out.json", "text=-"]) == (("json", "out.json"), ("text", None))
    assert wants_patches(formats(["html=page.html"]))
    assert not wants_patches(formats(["json"]))
