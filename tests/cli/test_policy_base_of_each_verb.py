"""`--policy-base` in patch, bundle and policy: the commit's policy is used, and changes are
reported.
"""

from __future__ import annotations

import os

import pytest
from test_cli_policy_base import BASE, CERTIFICATE, COMMENT, EXEMPTION, STATE, checkout, git

__all__ = ["checkout"]

DATE = ("--offline", "--as-of", "2026-10-20")


@pytest.fixture
def ran(checkout, tfcert):
    """Return a function that runs a command in the checkout of the pull request."""

    def run(*arguments):
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
        done = tfcert(*arguments, cwd=checkout, environment=environment)
        assert b"Traceback" not in done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def weaken(folder):
    """Write a policy under which nothing is due until its last days."""
    (folder / "tfcert.toml").write_text(
        "threshold_days = 1\nnotice_days = 2\nmargin_days = 1\ntrust_window_days = 1\n"
    )


def test_patch_goes_by_the_policy_of_the_commit(checkout, ran):
    """`patch` uses the notice of the commit, and reports the changed policy on stderr."""
    weaken(checkout)
    assert "nothing to do" in ran("patch", STATE, *DATE)[1]
    code, patch, said = ran("patch", STATE, *DATE, "--policy-base", "main")
    assert (code, "backend_202612" in patch or "backend_2026" in patch) == (0, True), patch
    assert "the policy is that of main; this checkout would change it" in said
    code, patch, said = ran("patch", ".", "--recursive", *DATE, "--policy-base", "main")
    assert (code, "+resource" in patch, "the policy is that of main" in said) == (0, True, True), (
        patch
    )


def test_bundle_goes_by_the_policy_of_the_commit(checkout, ran):
    """`bundle` uses the policy of the commit, even if the checkout's is invalid."""
    weaken(checkout)
    assert "the policy is that of main" in ran("bundle", STATE, *DATE, "--policy-base", "main")[2]
    (checkout / "tfcert.toml").write_text("[[")
    assert ran("bundle", STATE, *DATE)[0] == 2
    assert "the policy is that of main" in ran("bundle", STATE, *DATE, "--policy-base", "main")[2]
    assert ran("bundle", STATE, *DATE, "--policy", "default")[0] == 0


def test_policy_show_prints_the_policy_of_the_commit(checkout, ran):
    """`policy show` prints the policy of the commit with origins, and the change on stderr."""
    weaken(checkout)
    code, shown, said = ran("policy", "show", "--policy-base", "main")
    assert (code, "threshold_days = 20 " in shown, 'name = "all"' in shown) == (0, True, True), (
        shown
    )
    assert "this checkout would change it" in said
    assert "threshold_days = 1 " in ran("policy", "show")[1]


def test_policy_check_reads_the_files_of_the_commit(checkout, ran):
    """`policy check` checks the policy and comments of the commit, and reports errors in the
    checkout.
    """
    file = checkout / "certificate.tf"
    plain = file.read_text()
    (checkout / "tfcert.toml").write_text("[[")
    file.write_text(plain.replace('resource "aws_api', f'{COMMENT}resource "aws_api', 1))
    assert ran("policy", "check")[0] == 2
    code, shown, said = ran("policy", "check", "--policy-base", "main")
    assert (code, "tfcert.toml: is a policy (scopes: 1" in shown, "cannot be used" in said) == (
        0,
        True,
        True,
    ), (shown, said)
    assert "exempts from" in ran("policy", "check", "certificate.tf")[1]
    assert ran("policy", "check", "certificate.tf", "--policy-base", "main")[:2] == (0, "")
    assert ran("policy", "check", "new.tf", "--policy-base", "main")[0] == 2


def test_policy_explain_goes_by_the_commit(checkout, ran):
    """`policy explain` uses the scopes and exemptions of the commit."""
    (checkout / "tfcert.toml").write_text(BASE + EXEMPTION)
    file = checkout / "certificate.tf"
    file.write_text(file.read_text().replace('resource "aws_api', f'{COMMENT}resource "aws_api', 1))
    assert ran("policy", "explain", CERTIFICATE, STATE)[1].count("exempt from") == 2
    assert (
        ran("policy", "explain", CERTIFICATE, STATE, "--no-inline-exemptions")[1].count(
            "exempt from"
        )
        == 1
    )
    code, shown, said = ran("policy", "explain", CERTIFICATE, STATE, "--policy-base", "main")
    assert (code, shown.count("exempt from"), "notice_days = 70" in shown) == (0, 0, True), shown
    assert "main does not have it" in said


@pytest.mark.parametrize(
    "verb", [("patch", STATE), ("bundle", STATE), ("policy", "show"), ("policy", "check")]
)
def test_a_commit_that_cannot_be_read_is_an_error_for_each_verb(checkout, ran, verb):
    """An unreadable commit is exit code 2 for each command, without output."""
    git(checkout, "status")
    code, shown, said = ran(*verb, "--policy-base", "nowhere")
    assert (code, shown) == (2, "")
    assert "--policy-base nowhere" in said
