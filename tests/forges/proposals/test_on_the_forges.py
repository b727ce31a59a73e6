"""`tfcert propose` on the stand-ins of GitHub and GitLab, over real git repositories, without AWS."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from github_repositories import GithubRepositories
from gitlab_repositories import GitlabRepositories
from strict_server import Answer, Fault

from checker.cli.proposals.run import ProposeOptions, propose
from checker.forges.proposals.forge import People
from checker.forges.proposals.github import GithubProposals
from checker.forges.proposals.gitlab import GitlabProposals
from checker.forges.retry import RetryPolicy
from checker.model.policy import Grouping, Policy, Run
from checker.terraform.tool import Wanted

AS_OF = datetime(2026, 11, 24, tzinfo=UTC)
BRANCH = "tfcert/rj3hhn/introduce"
NAMES = {"github": "octo-org/gateway", "gitlab": "acme/gateway"}


@dataclass(kw_only=True)
class Rig:
    """A forge with a repository of the README's example, and a checkout of it."""

    name: str
    server: object
    project: object
    story: Path
    pauses: list = field(default_factory=list)
    calls: list = field(default_factory=list)

    def run(self, *, token="writes", dry=False, as_of=AS_OF, **more):
        """Run the whole command but its options."""
        kind = {"github": GithubProposals, "gitlab": GitlabProposals}[self.name]
        forge = kind(
            base_url=self.server.url,
            token=token,
            repository=NAMES[self.name],
            retries=RetryPolicy(sleep=self.pauses.append),
            recorded=self.calls.append if dry else None,
        )
        how = {
            "sources": (str(self.story),),
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
        self.server.requests.clear()
        return propose(
            forge,
            ProposeOptions(**{**how, **more}),
            None,
            Run(as_of=as_of, policy=Policy()),
            tool=Wanted(name=None, passed=(), offline=True),
        )

    @property
    def writes(self):
        """The calls of the last run that change something."""
        return [each for each in self.server.writes() if not each.endswith("/graphql")]

    @property
    def opened(self):
        return [one for one in self.project.requests if one.head is not None and self.is_open(one)]

    def is_open(self, one):
        return one.open if self.name == "github" else one.state == "opened"

    def text(self, path="story/certificate.tf", commit=None):
        """The text of a file on the branch."""
        repository = self.project.repository
        return repository.read(commit or repository.head(BRANCH), path)[1]


@pytest.fixture(params=["github", "gitlab"])
def rig(request, story, tmp_path):
    """Each forge in turn; a test that leaves a violation of its description fails."""
    kind = {"github": GithubRepositories, "gitlab": GitlabRepositories}[request.param]
    subprocess.run(["git", "init", "--quiet"], cwd=story.parent, check=True, timeout=30)
    files = {
        f"story/{file.name}": file.read_bytes() for file in story.iterdir() if file.suffix == ".tf"
    }
    with kind() as server:
        project = server.project(tmp_path / "gateway.git")
        server.push(project, {**files, "run.sh": ("100755", b"#!/bin/sh\n")})
        yield Rig(name=request.param, server=server, project=project, story=story)
    assert server.violations == []


def test_git_shows_what_patch_writes(rig, tfcert):
    """The branch is one commit on the head of main; its diff is the patch, byte for byte, and file modes stay."""
    rig.run()
    repository = rig.project.repository
    head, base = repository.head(BRANCH), repository.head()
    assert repository.commit(head).parents == (base,)
    shown = repository.git("diff", "--no-color", "--no-ext-diff", base, head)
    patch = tfcert(
        "patch", "terraform.tfstate", "--offline", "--as-of", "2026-11-24", cwd=rig.story
    ).stdout

    def changes(diff):
        # Behind a hunk's second @@, git repeats a line of the file.
        return [
            re.sub(rb"^(@@ .* @@).*\n", rb"\1\n", line)
            for line in diff.splitlines(keepends=True)
            if not line.startswith((b"# ", b"index "))
        ]

    assert changes(shown) == changes(patch)
    assert repository.files(head)["run.sh"][0] == "100755"


def test_a_second_run_writes_nothing(rig):
    """Labels and reviewers are there, the request has our title, and no call writes."""
    people = People(labels=("tfcert",), assignees=("bob",), reviewers=("ann",))
    result = rig.run(people=people)
    assert (result.exit_code, [each.did for each in result.results]) == (0, ["opened"])
    (asked,) = rig.opened
    assert asked.title == (
        "Rotate API Gateway client certificate backend (1 of 3): introduce by 26 Nov"
    )
    assert list(asked.labels) == ["tfcert"]
    again = rig.run(people=people)
    assert [each.did for each in again.results] == ["is current"]
    assert rig.writes == []


def test_a_dry_run_sends_no_call_that_writes(rig):
    """Each call is shown with its body; the forge is as before."""
    rig.run(dry=True, people=People(labels=("tfcert",)), dashboard=True)
    assert rig.writes == []
    assert rig.opened == []
    shown = "\n".join(rig.calls)
    wanted = {
        "github": ("/git/blobs", "/git/trees", "/git/commits", "/git/refs", "/pulls", "/labels"),
        "gitlab": ("/repository/commits", "/merge_requests"),
    }
    for path in (*wanted[rig.name], "/issues"):
        assert f"{path}\n{{" in shown, path


def test_a_moved_base_rewrites_and_a_person_s_commit_does_not(rig):
    """One commit on the new head; after a person's commit, the branch is theirs and one comment says so."""
    rig.run()
    rig.server.push(rig.project, {"README": b"x"})
    rig.run()
    repository = rig.project.repository
    assert repository.commit(repository.head(BRANCH)).parents == (repository.head(),)
    theirs = rig.server.push(rig.project, {"story/fix.tf": b"# fix\n"}, branch=BRANCH)
    rig.server.push(rig.project, {"README": b"y"})
    before = len(rig.server.comments) if rig.name == "github" else None
    for number in range(2):
        result = rig.run()
        assert repository.head(BRANCH) == theirs
        assert ["commented" in each.did for each in result.results] == [number == 0]
    assert before in {None, 0}


def test_a_commit_that_arrives_while_the_run_works_is_not_lost(rig):
    """On GitHub up to the very call that moves the branch, on GitLab until its head is read."""
    rig.run()
    rig.server.push(rig.project, {"README": b"x"})
    repository = rig.project.repository
    ours, theirs = repository.head(BRANCH), []

    def push(asked):
        moving = (
            asked.path.endswith("/graphql") and "updateRefs" in str(asked.body)
            if rig.name == "github"
            else asked.path.endswith(BRANCH.replace("/", "%2F"))
            and any("/compare" in each.path for each in rig.server.requests)
        )
        if moving and not theirs:
            theirs.append(rig.server.push(rig.project, {"fix.tf": b"# fix\n"}, branch=BRANCH))

    rig.server.before.append(push)
    result = rig.run()
    rig.server.before.clear()
    assert [repository.head(BRANCH)] == theirs
    assert repository.commit(theirs[0]).parents == (ours,)
    assert "left for the next run" in result.results[0].did


def test_what_is_not_needed_is_closed_and_what_a_person_closed_stays_closed(rig):
    """Our reason is the first line; a person's decision needs --reopen."""
    rig.run()
    (first,) = rig.opened
    rig.run(as_of=datetime(2026, 6, 1, tzinfo=UTC))
    assert rig.opened == []
    assert first.body.startswith(
        "**tfcert closed this request:** its certificate is in no rotation"
    )
    rig.run()
    (second,) = rig.opened
    assert second.number != first.number
    rig.server.close(second)
    result = rig.run()
    assert rig.opened == []
    assert "--reopen" in result.left[0].reason
    rig.run(reopen=True)
    assert len(rig.opened) == 1


def test_a_merged_phase_is_waited_for(rig):
    """After the merge the base has it: no other request, until it is applied."""
    rig.run()
    (asked,) = rig.opened
    merged = rig.server.merge(rig.project, asked)
    for path, (_, data) in rig.project.repository.files(merged).items():
        (rig.story.parent / path).write_bytes(data)
    result = rig.run()
    assert rig.opened == []
    assert "written but not applied" in result.lines[0]
    assert rig.writes == []


def test_the_dashboard_is_one_issue(rig):
    """It lists the rotation with its request, is edited when that changes, and stays closed if a person closes it."""
    rig.run(dashboard=True)
    (issue,) = [one for one in rig.project.requests if one.head is None]
    assert "| `aws_api_gateway_client_certificate.backend` | `story` | introduce |" in issue.body
    (asked,) = rig.opened
    sign = "#" if rig.name == "github" else "!"
    assert f"| {sign}{asked.number} |" in issue.body
    assert rig.run(dashboard=True).exit_code == 0
    assert rig.writes == []
    rig.run(dashboard=True, as_of=datetime(2026, 6, 1, tzinfo=UTC))
    assert "No rotation is due" in issue.body
    rig.server.close(issue)
    rig.run(dashboard=True)
    assert "No rotation is due" in issue.body
    assert len([one for one in rig.project.requests if one.head is None]) == 1


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("limited", [True, False])
def test_a_busy_forge_is_asked_again(rig, limited, heard):
    """Each call fails once, before it has an effect or after it: one request, one branch, one commit."""
    rig.run(dry=True)
    reads = {(each.method, each.path) for each in rig.server.requests}
    made = {
        "github": ["/git/blobs$", "/git/trees$", "/git/commits$", "/git/refs$", "/pulls$"],
        "gitlab": ["/repository/commits$", "/merge_requests$"],
    }[rig.name]
    status = 502 if not limited else 403 if rig.name == "github" else 429
    headers = {"Retry-After": "2"} if limited else {}
    answer = Answer(status=status, headers=headers, body={"message": "slow down"})
    rig.server.faults += [
        *(Fault(method=method, path=f"{path}$", answer=answer) for method, path in sorted(reads)),
        *(Fault(method="POST", path=path, answer=answer, heard=heard) for path in made),
    ]
    result = rig.run()
    assert [each.failed for each in result.results] == [False]
    assert len(rig.opened) == 1
    repository = rig.project.repository
    assert repository.commit(repository.head(BRANCH)).parents == (repository.head(),)
    assert set(rig.pauses) == ({2.0} if limited else {1.0})
    assert all(fault.times == 0 for fault in rig.server.faults)


def test_a_token_that_may_not_write_is_exit_2(rig):
    """The error says which permissions the token needs."""
    result = rig.run(token="reads")
    assert result.exit_code == 2
    assert "docs/propose.md" in result.results[0].did
    assert rig.opened == []


def test_the_workflow_s_own_token_is_warned_about(rig, capsys):
    """Its pull requests start no workflow on GitHub; an App's do, and so does any token on GitLab."""
    rig.run(dry=True)
    assert "start no workflow" not in capsys.readouterr().err
    if rig.name == "github":
        rig.server.tokens["workflow"] = ("github-actions[bot]", True)
        rig.run(dry=True, token="workflow")
        assert "start no workflow" in capsys.readouterr().err


def test_two_root_modules_are_two_requests_or_one(rig):
    """--group root makes one each, --group all makes one of the same rotations, and closes what it replaces."""
    root = rig.story.parent
    other = root / "other"
    other.mkdir()
    for file in rig.story.iterdir():
        (other / file.name).write_bytes(file.read_bytes().replace(b"rj3hhn", b"zz3hhn"))
    files = {f"other/{file.name}": file.read_bytes() for file in other.glob("*.tf")}
    rig.server.push(rig.project, files)
    both = {"sources": (str(root),), "recursive": True}
    rig.run(**both)
    assert len(rig.opened) == 2
    rig.run(**both, group=Grouping.ALL)
    (kept,) = rig.opened
    repository = rig.project.repository
    changed = repository.git("diff", "--name-only", "main", kept.head)
    assert changed.decode().split() == ["other/certificate.tf", "story/certificate.tf"]
    assert rig.run(**both, group=Grouping.ALL).exit_code == 0
    assert rig.writes == []
