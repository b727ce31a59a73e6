"""`tfcert propose` checks and edits the text of the base branch, whatever the checkout contains."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "forges/proposals"))

from memory_forge import MemoryForge

from checker.cli.proposals.run import ProposeOptions, propose
from checker.errors import TfcertError, UsageError
from checker.forges.proposals.forge import BaseTree, People, TreeFile
from checker.forges.proposals.marker import blob_id
from checker.model.policy import Policy, Run
from checker.terraform.tool import Wanted

AS_OF = datetime(2026, 11, 24, tzinfo=UTC)
BRANCH = "tfcert/rj3hhn/introduce"


class TextForge(MemoryForge):
    """A forge in memory whose base branch has real files. It records the files that are read."""

    def __init__(self, files):
        super().__init__()
        self.files = files
        self.modes = {}
        self.read = []

    def base_tree(self, branch):
        return BaseTree(
            branch=branch,
            commit=self.base,
            tree="",
            files={
                path: TreeFile(mode=self.modes.get(path, "100644"), blob=blob_id(data, like=""))
                for path, data in self.files.items()
            },
        )

    def blob(self, name):
        self.read += [path for path, data in self.files.items() if blob_id(data, like="") == name]
        return next(data for data in self.files.values() if blob_id(data, like="") == name)


@pytest.fixture
def checkout(story):
    """Return a repository with the README's configuration in the folder story, and its .tf files by
    path.
    """
    subprocess.run(["git", "init", "--quiet"], cwd=story.parent, check=True, timeout=30)
    return story, {
        f"story/{file.name}": file.read_bytes() for file in story.iterdir() if file.suffix == ".tf"
    }


def run(forge, story, **more):
    """Run `propose` on the folder without AWS."""
    how = {
        "sources": (str(story),),
        "recursive": False,
        "base": None,
        "key": "default",
        "group": None,
        "limit": 5,
        "open_limit": 20,
        "people": People(),
        "draft": False,
        "reopen": False,
    }
    return propose(
        forge,
        ProposeOptions(**{**how, **more}),
        None,
        Run(as_of=AS_OF, policy=Policy()),
        tool=Wanted(name=None, passed=(), offline=True),
    )


def patched(tfcert, story):
    """Return the .tf files after `tfcert patch --write`."""
    tfcert("patch", "terraform.tfstate", "--offline", "--as-of", "2026-11-24", "--write", cwd=story)
    return {
        f"story/{file.name}": file.read_bytes() for file in story.iterdir() if file.suffix == ".tf"
    }


def test_the_branch_is_what_patch_writes_byte_for_byte(tfcert, checkout):
    """The commit has exactly the files and bytes that `tfcert patch --write` changes, and no file
    is read from the forge.
    """
    story, files = checkout
    forge = TextForge(files)
    run(forge, story, recursive=True)
    _, _, made = forge.branches[BRANCH]
    after = patched(tfcert, story)
    assert made == {path: data for path, data in after.items() if files.get(path) != data}
    assert forge.read == []


def test_a_dirty_working_tree_does_not_reach_the_branch(tfcert, checkout):
    """Edited, added and deleted files of the checkout are ignored: the commit is made from the base
    branch's files.
    """
    story, files = checkout
    forge = TextForge(files)
    dirty = story / "certificate.tf"
    dirty.write_bytes(dirty.read_bytes() + b"\n# not committed\n")
    gone = next(path for path in files if path != "story/certificate.tf")
    Path(story.parent, gone).unlink()
    (story / "mine.tf").write_text('resource "aws_api_gateway_client_certificate" "mine" {}\n')
    run(forge, story, recursive=True)
    _, _, made = forge.branches[BRANCH]
    assert sorted(forge.read) == sorted(["story/certificate.tf", gone])
    for path, data in files.items():
        Path(story.parent, path).write_bytes(data)
    (story / "mine.tf").unlink()
    after = patched(tfcert, story)
    assert made == {path: data for path, data in after.items() if files.get(path) != data}


def test_a_phase_that_is_merged_is_seen_in_the_base(tfcert, checkout):
    """A phase that is merged in the base is not proposed again, even from an older checkout."""
    story, files = checkout
    before = {path: Path(story.parent, path).read_bytes() for path in files}
    merged = patched(tfcert, story)
    for path in merged:
        Path(story.parent, path).unlink()
    for path, data in before.items():
        Path(story.parent, path).write_bytes(data)
    forge = TextForge(merged)
    result = run(forge, story, recursive=True)
    assert forge.writes == []
    assert "written but not applied" in result.lines[0]


def test_another_backend_in_the_base_is_not_judged_by_this_state(checkout):
    """If the base has another backend block than the checkout, nothing is opened, and the exit code
    is 3.
    """
    story, files = checkout
    forge = TextForge(
        {**files, "story/backend.tf": b'terraform {\n  backend "s3" {\n    key = "other"\n  }\n}\n'}
    )
    result = run(forge, story, recursive=True)
    assert (forge.writes, result.exit_code) == ([], 3)
    assert "another backend" in result.lines[0]
    with pytest.raises(TfcertError, match="another backend"):
        run(forge, story)


def test_a_link_is_not_edited(checkout):
    """A file that is a link in the base is not edited, and the exit code is 3."""
    story, files = checkout
    forge = TextForge({**files, "real.tf": files["story/certificate.tf"]})
    forge.files["story/certificate.tf"] = b"../real.tf"
    forge.modes["story/certificate.tf"] = "120000"
    result = run(forge, story, recursive=True)
    assert forge.branches.keys() <= {BRANCH}
    assert result.exit_code == 3
    assert forge.writes == []


@pytest.mark.parametrize("path", ["../out.tf", "a/../../out.tf", ".git/config.tf"])
def test_a_path_of_a_base_stays_in_its_folder(checkout, path):
    """A base with a path outside its folder is refused, and nothing is written there."""
    story, files = checkout
    with pytest.raises(TfcertError, match="file of the name"):
        run(TextForge({**files, path: b"x"}), story)
    assert not (story.parent.parent / "out.tf").exists()


def test_a_folder_outside_a_repository_is_refused(story):
    """A folder outside a git repository is refused."""
    with pytest.raises(UsageError, match="not in one repository"):
        run(TextForge({}), story)
