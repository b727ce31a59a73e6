"""`tfcert propose` checks and edits the text of the base branch, whatever the checkout contains."""

from __future__ import annotations

import json
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
from checker.policyfile.resolve import read_policy
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
        self._call("base_tree")
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


def run(forge, story, *, policy=None, **more):
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
        Run(as_of=AS_OF, policy=policy or Policy()),
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


POLICY = b"""
[propose]
labels = ["certificates"]
reviewers = "everyone"

[[scope]]
address = "aws_api_gateway_stage.*"
propose.reviewers = ["ann", "acme/platform"]
"""


def test_the_policy_names_people_by_scope(checkout):
    """A scope that matches a stage of the certificate replaces the reviewers; options replace both."""
    story, files = checkout
    forge = TextForge(files)
    policy = read_policy("tfcert.toml", POLICY)
    run(forge, story, policy=policy)
    assert forge.dressed == {
        1: People(labels=("certificates",), reviewers=("ann", "acme/platform"))
    }
    other = TextForge(files)
    run(other, story, policy=policy, people=People(reviewers=("bob",), assignees=("bob",)))
    assert other.dressed == {
        1: People(labels=("certificates",), assignees=("bob",), reviewers=("bob",))
    }


@pytest.mark.parametrize(("day", "opened"), [("tuesday", 1), ("wednesday", 0)])
def test_the_schedule_is_the_day_of_the_run(checkout, day, opened):
    """24 November 2026 is a Tuesday."""
    story, files = checkout
    forge = TextForge(files)
    result = run(forge, story, policy=read_policy("p", f'[propose]\nschedule = "{day}"'.encode()))
    assert len(forge.requests) == opened
    assert result.exit_code == 0
    assert bool(result.left) != bool(opened)


def test_a_module_that_others_call_is_blocked(checkout):
    """The whole repository of the base is searched, so an edit cannot reach another root module unseen."""
    story, files = checkout
    module = {
        f"module/{path.rpartition('/')[2]}": data
        for path, data in files.items()
        if not path.endswith("provider.tf")
    }
    call = b'module "gateway" {\n  source = "../module"\n}\n'
    roots = {"story/main.tf": call, "other/main.tf": call}
    state = Path(story, "terraform.tfstate")
    document = json.loads(state.read_text())
    for resource in document["resources"]:
        resource["module"] = "module.gateway"
    state.write_text(json.dumps(document))
    alone, shared = TextForge({**module, "story/main.tf": call}), TextForge({**module, **roots})
    assert run(alone, story).exit_code == 0
    assert len(alone.requests) == 1
    (path, *_) = alone.branches[BRANCH][2]
    assert path.startswith("module/")
    result = run(shared, story)
    assert (result.exit_code, shared.writes) == (3, [])
    assert "other configurations of the repository call too" in result.lines[0]


def test_a_request_that_is_merged_while_a_run_reads_is_not_opened_again(tfcert, checkout):
    """Requests are listed before the base is read: a merge in between is seen in the base, and the request is not closed."""
    story, files = checkout
    forge = TextForge(files)
    run(forge, story)
    merged = patched(tfcert, story)

    def merge(name):
        if name == "base_tree":
            forge.files, forge.base = merged, "b1"
            forge.set(1, state="merged")
            del forge.branches[BRANCH]

    forge.before = merge
    forge.writes.clear()
    result = run(forge, story)
    assert forge.writes == []
    assert [each.did for each in result.results] == ["left alone: it is merged now"]
