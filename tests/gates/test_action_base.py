"""The action on a pull request uses the base branch's policy, and a fork must name its sources."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from hostile import plant, ran

STATE = "terraform.tfstate"
DUE = {"offline": "true", "as_of": "2026-11-24"}


def git(folder, *arguments):
    """Run git in a folder without the machine's configuration."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return done.stdout.decode().strip()


@pytest.fixture
def pull_request(workspace, tmp_path):
    """Return a function that gives the event's environment of a pull request that weakens the
    policy.
    """
    (workspace / "tfcert.toml").write_text("threshold_days = 21\n")
    git(workspace, "init", "-q")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "base")
    git(workspace, "checkout", "-qb", "pull-request")
    (workspace / "tfcert.toml").write_text('[rules]\ncertificate-expiring = "off"\n')
    git(workspace, "commit", "-qam", "attack")

    def event(*, head="acme/live", base=None):
        file = tmp_path / "event.json"
        sides = {
            "base": {
                "ref": "main",
                "sha": base or git(workspace, "rev-parse", "main"),
                "repo": {"full_name": "acme/live"},
            }
        }
        file.write_text(
            json.dumps({"pull_request": {**sides, "head": {"repo": {"full_name": head}}}})
        )
        return {
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_BASE_REF": "main",
            "GITHUB_REPOSITORY": "acme/live",
        }

    return event


@pytest.mark.started
def test_the_base_branch_judges(action, workspace, pull_request, tmp_path):
    """The base branch's policy is used without any input, also in a hostile checkout, and the
    change is logged.
    """
    marks = tmp_path / "marks"
    plant(workspace, marks)
    done = action(sources=STATE, environment=pull_request(), **DUE)
    assert (done.code, done.outputs["verdict"], ran(marks)) == (1, "findings", []), done.log
    assert "note: the policy is that of" in done.log


def test_a_base_that_cannot_be_read_fails_the_step(action, workspace, pull_request, tmp_path):
    """If the base cannot be read, the step fails with exit code 2."""
    environment = pull_request(base="1" * 40)
    shallow = tmp_path / "shallow"
    git(
        tmp_path,
        "clone",
        "-q",
        "--depth",
        "1",
        "--branch",
        "pull-request",
        f"file://{workspace}",
        str(shallow),
    )
    for folder in (workspace, shallow):
        subprocess.run(["rm", "-rf", str(workspace / ".git")], check=True, timeout=60)
        if folder is shallow:
            (shallow / ".git").rename(workspace / ".git")
        done = action(sources=STATE, environment=environment, **DUE)
        assert (done.code, done.outputs["exit-code"], done.outputs["verdict"]) == (2, "2", ""), (
            done.log
        )
        assert "base branch of the pull request cannot be read" in done.log


def test_a_branch_of_the_checkout_is_not_taken_for_the_base(action, workspace, pull_request):
    """A branch of the checkout named like the base is not used as the base."""
    git(workspace, "branch", "-f", "main", "pull-request")
    git(workspace, "update-ref", "refs/remotes/origin/main", "pull-request")
    git(workspace, "remote", "add", "origin", "https://example.org/fork/live")
    environment = pull_request(base="1" * 40)
    assert action(sources=STATE, environment=environment, **DUE).outputs["exit-code"] == "2"


def test_another_base_can_be_named(action, workspace, pull_request):
    """`policy-base` takes a commit or `none`; an unknown commit is exit code 2."""
    environment = pull_request()
    assert action(sources=STATE, policy_base="main", environment=environment, **DUE).code == 1
    assert action(sources=STATE, policy_base="none", environment=environment, **DUE).code == 0
    assert action(sources=STATE, policy_base="nowhere", environment=environment, **DUE).code == 2


@pytest.mark.parametrize("head", ["someone/live", "acme/live", ""])
def test_a_fork_names_its_sources(action, pull_request, head):
    """A pull request of a fork without sources is exit code 2, because terraform would run in its
    folder.
    """
    environment = pull_request(head=head)
    done = action(environment=environment, **DUE)
    assert done.code == 2, done.log
    assert ("names its sources" in done.log) == (head != "acme/live")
    assert ("neither terraform nor tofu was found" in done.log) == (head == "acme/live")
    assert action(sources=STATE, environment=environment, **DUE).code == 1


@pytest.mark.parametrize(
    ("scan", "name", "text"),
    [
        ("true", "offline", "true"),
        ("true", "config", "."),
        ("true", "expect", "repoint"),
        ("true", "no_inline_exemptions", "true"),
        ("false", "all_regions", "true"),
    ],
)
def test_an_input_without_an_option_is_refused(action, scan, name, text):
    """An input that the command has no option for is an error that names it."""
    done = action(**{"sources": STATE, "scan": scan, name: text, "as_of": "2026-11-24"})
    assert (done.code, done.outputs["exit-code"]) == (2, "2")
    assert (
        f"the input {name.replace('_', '-')} is for a {'check' if scan == 'true' else 'scan'}"
        in done.log
    )


def test_a_working_directory_that_is_a_link_is_refused(action, workspace, pull_request):
    """A working directory that is a link is refused."""
    git(workspace, "checkout", "-q", "main")
    (workspace / "sandbox").mkdir()
    for file in (*workspace.glob("*.tf"), workspace / STATE):
        (workspace / "sandbox" / file.name).write_bytes(file.read_bytes())
    (workspace / "sandbox/tfcert.toml").write_text("threshold_days = 0\nnotice_days = 0\n")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "sandbox")
    git(workspace, "checkout", "-qb", "another")
    (workspace / "live").symlink_to("sandbox")
    assert (
        action(sources=STATE, working_directory="sandbox", environment=pull_request(), **DUE).code
        == 0
    )
    done = action(sources=STATE, working_directory="live", environment=pull_request(), **DUE)
    assert (done.code, "is a link in the checkout" in done.log) == (2, True), done.log
    done = action(
        sources=STATE,
        working_directory="live",
        policy_base="main",
        environment=pull_request(),
        **DUE,
    )
    assert done.code == 2, done.log
    assert (
        action(
            sources=STATE, working_directory="./sandbox/.", environment=pull_request(), **DUE
        ).code
        == 0
    )
