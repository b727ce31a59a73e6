"""A repository on a stand-in, its checkout, its state and its AWS: everything around one run of `tfcert propose`."""

from __future__ import annotations

import posixpath
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bare_repository import BareRepository
from cloud import CERTIFICATE, SECRET, STAGE, Cloud
from direct import KilledError
from github_repositories import GithubRepositories
from github_stand_in import BOT as GITHUB_BOT
from gitlab_repositories import GitlabRepositories
from gitlab_stand_in import BOT as GITLAB_BOT

from checker.cli.load import load
from checker.cli.proposals.run import ProposeOptions, propose
from checker.forges.proposals.forge import People
from checker.forges.retry import RetryPolicy
from checker.model.policy import Policy, Run
from checker.pipeline import PatchRequest, patch
from checker.terraform.tool import Wanted

WINDOW = timedelta(days=3)
BOTS = {"github": GITHUB_BOT, "gitlab": GITLAB_BOT}
SERVERS = {"github": GithubRepositories, "gitlab": GitlabRepositories}


def block(certificate: str, stage: str, *, through_local: bool = False) -> str:
    """A certificate and the stage that presents it."""
    aim = f"{CERTIFICATE}.{certificate}.id"
    shown, local = aim, ""
    if through_local:
        shown, local = f"local.{certificate}_id", f"locals {{\n  {certificate}_id = {aim}\n}}\n\n"
    return f"""\
# Presented to the backend of {stage}.
resource "{CERTIFICATE}" "{certificate}" {{
  description = "{certificate}"
}}

{local}resource "{STAGE}" "{stage}" {{
  rest_api_id           = "api1"
  stage_name            = "{stage}"
  client_certificate_id = {shown}
}}
"""


# Files by path, each with its mode, and the folders of the root modules.
SHAPES = {
    "one file": ({"main.tf": block("orders", "prod")}, ("",)),
    "a folder, a file that is run": (
        {"live/orders/main.tf": ("100755", block("orders", "prod")), "README.md": "# Live\n"},
        ("live/orders",),
    ),
    "through a local, CRLF": (
        {"main.tf": block("orders", "prod", through_local=True).replace("\n", "\r\n")},
        ("",),
    ),
    "two certificates": (
        {"a.tf": block("orders", "prod"), "b.tf": block("billing", "live")},
        ("",),
    ),
    "two root modules": (
        {"orders/main.tf": block("orders", "prod"), "billing/main.tf": block("billing", "live")},
        ("billing", "orders"),
    ),
}


def put_tool(folder):
    """A `terraform` that can only print the state beside the configuration; returns its folder, for PATH."""
    folder.mkdir()
    program = folder / "terraform"
    program.write_text("#!/bin/sh\nexec /bin/cat terraform.tfstate\n")
    program.chmod(0o755)
    return folder


@dataclass(kw_only=True)
class Home:
    """One repository and everything around it."""

    forge: str
    server: object
    project: object
    cloud: Cloud
    folder: Path
    roots: tuple[str, ...]
    pauses: list[float] = field(default_factory=list)

    @property
    def repository(self) -> BareRepository:
        return self.project.repository

    @property
    def bot(self):
        return BOTS[self.forge]

    @classmethod
    def make(cls, server, folder, *, shape="one file", name=None, copy_of=None, prefix="c"):
        """A repository of a shape, applied: its certificates are as old as the server's clock says."""
        forge = "github" if isinstance(server, GithubRepositories) else "gitlab"
        files, roots = SHAPES[shape]
        given = {"name": name} if name else {}
        project = server.project(folder / "bare.git", copy_of=copy_of, **given)
        home = cls(
            forge=forge,
            server=server,
            project=project,
            cloud=Cloud(prefix=prefix),
            folder=folder,
            roots=roots,
        )
        if copy_of is None:
            contents = {
                path: (given[0], given[1].encode()) if isinstance(given, tuple) else given.encode()
                for path, given in files.items()
            }
            server.push(project, contents, message="Begin\n")
        home.apply()
        return home

    # ---- what happens around a run

    def base_files(self, commit=None):
        return self.repository.files(commit or self.repository.head())

    def texts(self, root, commit=None):
        """The .tf files of a root module, by name."""
        found = self.base_files(commit)
        return {
            path.rpartition("/")[2]: data
            for path, (_, data) in found.items()
            if path.rpartition("/")[0] == root and path.endswith(".tf")
        }

    def apply(self):
        """Apply the base branch, each root module; returns what was done."""
        return {
            root: self.cloud.apply(root, self.texts(root), self.server.now) for root in self.roots
        }

    def checkout(self, name="checkout", *, commit=None):
        """Check a commit out into a folder, with the state beside each root module."""
        there = self.folder / name
        if not (there / ".git").is_dir():
            (there / ".git").mkdir(parents=True)
        commit = commit or self.repository.head()
        stamp = there / ".git" / "stamp"
        if not stamp.exists() or stamp.read_text() != commit:
            for each in there.iterdir():
                if each.name != ".git":
                    shutil.rmtree(each) if each.is_dir() else each.unlink()
            for path, (mode, data) in self.base_files(commit).items():
                file = there / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
                file.chmod(0o755 if mode == "100755" else 0o644)
            stamp.write_text(commit)
        for root in self.roots:
            (there / root / "terraform.tfstate").write_bytes(self.cloud.state(root))
        return there

    # ---- a run

    def client(self, token="writes"):
        """The forge as the command builds it, with pauses that are noted and not made."""
        how = {
            "base_url": self.server.url,
            "token": token,
            "repository": self.project.name,
            "retries": RetryPolicy(sleep=self.pauses.append),
            "recorded": None,
        }
        if self.forge == "github":
            from checker.forges.proposals.github import GithubProposals as Proposals
        else:
            from checker.forges.proposals.gitlab import GitlabProposals as Proposals
        return Proposals(**how)

    def run(self, *, where=None, token="writes", **options):
        """One run of `propose`; None if it was killed."""
        there = where or self.checkout()
        given = {
            "sources": tuple(str(there / root) for root in self.roots),
            "recursive": False,
            "base": None,
            "key": "default",
            "group": None,
            "limit": 5,
            "open_limit": 20,
            "people": People(),
            "draft": False,
            "reopen": False,
            **options,
        }
        run = Run(as_of=self.server.now, policy=Policy())
        with suppress(KilledError):
            return propose(
                self.client(token),
                ProposeOptions(**given),
                self.cloud.observe,
                run,
                tool=Wanted(offline=True),
            )
        return None

    # ---- what is there

    def requests(self, *, opened=None):
        """The requests on branches of ours."""
        found = [one for one in self.project.pulls() if one.head.startswith("tfcert/")]
        return [one for one in found if opened is None or one.open is opened]

    def phase(self, request):
        return request.head.rpartition("/")[2]

    def patched(self, *, name="judge"):
        """The base's files as `patch --phase next` leaves them, by root module and then path."""
        there = self.checkout(name)
        found = {}
        for root in self.roots:
            loaded = load((str(there / root),), config=None, tool=Wanted(offline=True))
            run = Run(as_of=self.server.now, policy=Policy())
            _, patches = patch(
                loaded.inventory,
                loaded.configurations[0],
                self.cloud.observe,
                run,
                PatchRequest(),
            )
            found[root] = [
                (
                    str(each.phase),
                    {posixpath.join(root, change.path): change.after for change in each.changes},
                )
                for each in patches.patches
            ]
        return found


def shown(home, head):
    """What `git log -p` shows of a branch: its commits, and the files before and after by path."""
    repository = home.repository
    base = repository.merge_base(repository.head(), head)
    commits = repository.between(base, head)
    before, after = repository.files(base), repository.files(head)
    changed = {
        path: (before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    return commits, changed


def tick(home, **how: float) -> datetime:
    """Let time pass."""
    home.server.now += timedelta(**how)
    return home.server.now


def leaks(home):
    """The requests with an attribute of the state in them."""
    return [one.number for one in home.project.requests if SECRET in f"{one.title}\n{one.body}"]
