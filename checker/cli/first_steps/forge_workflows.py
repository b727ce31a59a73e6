"""Which forge a repository uses, and the gate that `tfcert init` writes for it.

The gates are the files of docs/gates, as they are: a test compares them byte for byte. No program
is started; the remote is read from the repository's own configuration file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from checker.errors import UnreadableError, UsageError
from checker.files import open_file

_LARGEST = 1024**2
# `[remote "origin"]` and the `url` below it. Source: git-config(1), "Syntax".
_REMOTE = re.compile(r'^\s*\[remote "[^"\n]*"\]([^\[]*)', re.MULTILINE)
_URL = re.compile(r'^\s*url\s*=\s*"?([^\s"]+)', re.MULTILINE)


class WorkflowForge(StrEnum):
    """A forge that `tfcert init` can write a gate for."""

    GITHUB = "github"
    GITLAB = "gitlab"


class Gate(Struct, frozen=True, kw_only=True):
    """A gate: its file in docs/gates, its place in the repository, and what is left to do.

    `below` is the step for a root module that is not the root of the repository: `{}` is its path.
    """

    template: str
    target: str
    steps: tuple[str, ...]
    below: str


GATES = {
    WorkflowForge.GITHUB: Gate(
        template="github/pull-request.yml",
        target=".github/workflows/client-certificates.yml",
        steps=(
            "in it, name your copy of tfcert and its version: `uses: OWNER/tfcert@...`",
            "set the variable AWS_REGION",
            "set the variable TFCERT_ROLE: an IAM role for GitHub, with policies/iam/check.json",
            "require the check `certificates` for the branch",
        ),
        below="in it, add `working-directory: {}` to the step Plan, and to `with:` of tfcert",
    ),
    WorkflowForge.GITLAB: Gate(
        template="gitlab/tfcert.gitlab-ci.yml",
        target="tfcert.gitlab-ci.yml",
        steps=(
            "include it in .gitlab-ci.yml after a job that makes plan.json, as it shows on top",
            "set GATE_PACKAGE to a wheel of tfcert, or use an image that has tfcert",
            "set AWS_ROLE_ARN to an IAM role for GitLab, with policies/iam/check.json",
        ),
        below="make the plan in {}, and set GATE_SOURCES to {}/plan.json and GATE_CONFIG to {}",
    ),
}
_SIGNS = {".github": WorkflowForge.GITHUB, ".gitlab-ci.yml": WorkflowForge.GITLAB}
# Where one of these is, a step has to be added to an existing file; `init` changes none.
_OTHERS = {
    "azure-pipelines.yml": "Azure Pipelines",
    "bitbucket-pipelines.yml": "Bitbucket Pipelines",
    "Jenkinsfile": "Jenkins",
    ".spacelift": "Spacelift",
    "atlantis.yaml": "Atlantis",
}


def find_forge(root: Path) -> WorkflowForge:
    """Return the forge of a repository, by its files, else by its remotes.

    Raises UsageError if nothing shows a forge, or if several are shown.
    """
    by_file = {forge for name, forge in _SIGNS.items() if (root / name).exists()}
    by_remote = set(_forges_of_remotes(root))
    found = by_file & by_remote or by_file or by_remote
    if len(found) == 1:
        return found.pop()
    if found:
        raise UsageError(
            f"there are signs of {' and '.join(sorted(found))}",
            where=str(root),
            remedy="name one: --forge github, or --forge gitlab",
        )
    other = next((name for name in _OTHERS if (root / name).exists()), None)
    if other is not None:
        raise UsageError(
            f"{other} belongs to {_OTHERS[other]}, where a step is added to an existing file",
            where=str(root),
            remedy="copy the step from docs/gates.md; init changes no file",
        )
    raise UsageError(
        "no sign of a forge: neither .github nor .gitlab-ci.yml, and no remote of one",
        where=str(root),
        remedy="name it: --forge github, or --forge gitlab",
    )


def read_gate(gate: Gate) -> bytes:
    """Return the file of a gate that comes with tfcert."""
    here = Path(__file__).resolve()
    # In an installed package the gates are in it; in a checkout they are in docs.
    folders = (here.parents[2] / "gates", here.parents[3] / "docs" / "gates")
    found = next(folder / gate.template for folder in folders if (folder / gate.template).is_file())
    return found.read_bytes()


def _forges_of_remotes(root: Path) -> Iterator[WorkflowForge]:
    for host in _hosts(root):
        for forge in WorkflowForge:
            if forge.value in host.split(".")[0] or host.endswith(f"{forge.value}.com"):
                yield forge


def _hosts(root: Path) -> Iterator[str]:
    """Yield the hosts of the remotes of a repository; none if it cannot be read."""
    try:
        text = bytes(open_file(str(_configuration(root)), most=_LARGEST)).decode("utf-8", "replace")
    except UnreadableError:
        return
    for section in _REMOTE.findall(text):
        for url in _URL.findall(section):
            # `git@host:path` has no scheme. Source: git-clone(1), "Git URLs".
            plain = url if "://" in url else f"ssh://{url.replace(':', '/', 1)}"
            try:
                yield (urlsplit(plain).hostname or "").lower()
            except ValueError:
                continue


def _configuration(root: Path) -> Path:
    """Return the path of the configuration of a repository, or of the one that a worktree is of."""
    git = root / ".git"
    if git.is_dir():
        return git / "config"
    # Source: gitrepository-layout(5), "gitdir" and "commondir".
    named = _line(git).removeprefix("gitdir:").strip()
    folder = root / named
    return folder / (_line(folder / "commondir") or ".") / "config"


def _line(path: Path) -> str:
    try:
        return bytes(open_file(str(path), most=_LARGEST)).decode("utf-8", "replace").strip()
    except UnreadableError:
        return ""
