"""Reading commits: what is missing, too large or elsewhere is an error with its remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from checker.errors import UsageError
from checker.git import Commit, find_commit, read_files, tracks_workspace

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")


def git(folder, *arguments):
    """Run git in a folder without the machine's configuration."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, env=environment, check=True, capture_output=True,
        timeout=60,
    )  # fmt: skip


@pytest.fixture
def commit(tmp_path) -> Commit:
    """Return a commit with a file and a link."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "main.tf").write_text("# one\n")
    (folder / "link").symlink_to("main.tf")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return find_commit(folder, "HEAD", option="--policy-base")


def test_files_and_links_of_a_commit_are_read(commit):
    """A file is bytes, and a link is the text of its target."""
    assert dict(read_files(commit, (".tf",))) == {"link": "main.tf", "main.tf": b"# one\n"}


def test_an_object_that_is_not_there_is_an_error(commit):
    """A file whose object the clone does not have is named, with the way to get it."""
    objects = commit.top / ".git/objects"
    done = subprocess.run(
        ["git", "rev-parse", "HEAD:main.tf"], cwd=commit.top, capture_output=True, check=True,
        text=True, timeout=60,
    )  # fmt: skip
    name = done.stdout.strip()
    (objects / name[:2] / name[2:]).unlink()
    with pytest.raises(UsageError, match=r"main\.tf is missing.*fetch it"):
        list(read_files(commit, (".tf",)))


def test_more_than_any_configuration_is_refused(commit, monkeypatch):
    """A commit with more text than the limit is refused, and not held in memory."""
    monkeypatch.setattr("checker.git._LARGEST", 100)
    with pytest.raises(UsageError, match="is larger than any configuration"):
        list(read_files(commit, (".tf",)))


def test_a_folder_outside_of_the_repository_has_no_tracked_workspace(commit, tmp_path):
    """Only a folder of the repository can have a workspace that git tracks."""
    assert not tracks_workspace(commit, tmp_path)
    assert not tracks_workspace(commit, commit.top)
    (commit.top / ".terraform").mkdir()
    (commit.top / ".terraform/environment").write_text("prod")
    git(commit.top, "add", "-f", ".terraform")
    assert tracks_workspace(commit, commit.top)


def test_without_git_the_error_names_the_program(commit, monkeypatch):
    """Without git on PATH the error says what to install."""
    assert shutil.which("git")
    monkeypatch.setenv("PATH", str(Path("/nowhere")))
    with pytest.raises(UsageError, match=r"git is not on PATH.*install it"):
        find_commit(commit.top, "HEAD", option="--policy-base")
