"""Find the pull request of a run, from options and the CI environment.

Sources: GitHub, "Variables reference" and "Webhook events and payloads"; GitLab, "Predefined CI/CD
variables reference"; Microsoft, "Use predefined variables"; Atlassian, "Variables and secrets".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from checker.errors import UsageError

_COMMIT = re.compile(r"[0-9a-f]{7,64}")

_REF = re.compile(r"refs/pull/(\d+)/")


class Forge(StrEnum):
    """The host of the pull request."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"
    BITBUCKET = "bitbucket"


class PullRequest(Struct, frozen=True, kw_only=True):
    """A pull request or merge request.

    `number` is None if only its `head` is known, as after the workflow of a fork. `run` is the
    number of the pipeline's run. `fork` means that it runs in a fork, which has no token of the
    parent project. `user` is the user of the token, where the forge asks for both.
    """

    base_url: str
    token: str | None
    repository: str
    number: int | None
    commit: str | None
    run: int | None
    head: str | None = None
    fork: bool = False
    user: str | None = None


def pull_request(
    forge: Forge,
    *,
    repository: str | None,
    number: int | None,
    commit: str | None,
    environment: Mapping[str, str],
) -> PullRequest:
    """Find the pull request; arguments override the environment.

    Raises UsageError naming what is missing.
    """
    found = repository_access(forge, repository=repository, environment=environment)
    named = found.repository
    sha = commit or found.commit
    if sha is not None and not _COMMIT.fullmatch(sha):
        raise UsageError(
            f"{sha!r} is not a commit", where="--commit", remedy="give its SHA, in lower case"
        )
    if forge in {Forge.AZURE, Forge.BITBUCKET} and named.count("/") != 1:
        raise UsageError(
            f"{named!r} is not {_PARTS[forge]}",
            where="--repository",
            remedy=f"write {_PARTS[forge]}",
        )
    made = replace(
        found, repository=named, number=number if number is not None else found.number, commit=sha
    )
    if made.number is None and made.head is None:
        remedy = "give it, or run on the pull request's own event"
        raise UsageError("the environment names no pull request", where="--number", remedy=remedy)
    return made


def repository_access(
    forge: Forge, *, repository: str | None, environment: Mapping[str, str]
) -> PullRequest:
    """Find the repository of a run, and the access to it; an argument overrides the environment.

    Raises UsageError if nothing names the repository.
    """
    found = _FINDERS[forge](environment)
    named = repository or found.repository
    if not named:
        raise UsageError(
            "which repository?",
            where="--repository",
            remedy=f"give it, or set {_REPOSITORIES[forge]}",
        )
    return replace(found, repository=named)


_REPOSITORIES = {
    Forge.GITHUB: "GITHUB_REPOSITORY",
    Forge.GITLAB: "CI_MERGE_REQUEST_PROJECT_ID",
    Forge.AZURE: "SYSTEM_TEAMPROJECT and BUILD_REPOSITORY_NAME",
    Forge.BITBUCKET: "BITBUCKET_REPO_FULL_NAME",
}
_PARTS = {Forge.AZURE: "PROJECT/REPOSITORY", Forge.BITBUCKET: "WORKSPACE/REPOSITORY"}
# The variables of the tokens, as messages name them.
TOKENS = {
    Forge.GITHUB: "GITHUB_TOKEN",
    Forge.GITLAB: "GITLAB_TOKEN",
    Forge.AZURE: "SYSTEM_ACCESSTOKEN",
    Forge.BITBUCKET: "BITBUCKET_TOKEN",
}


def _on_github(environment: Mapping[str, str]) -> PullRequest:
    event = _event(environment.get("GITHUB_EVENT_PATH"))
    pull = _mapping(event.get("pull_request"))
    workflow = _mapping(event.get("workflow_run"))
    number = pull.get("number")
    if number is None and "pull_request" in _mapping(event.get("issue")):
        number = _mapping(event.get("issue")).get("number")
    ref = _REF.match(environment.get("GITHUB_REF", ""))
    commit = (
        _mapping(pull.get("head")).get("sha")
        or workflow.get("head_sha")
        or environment.get("GITHUB_SHA")
    )
    owner = _mapping(_mapping(workflow.get("head_repository")).get("owner")).get("login")
    branch = workflow.get("head_branch")
    return PullRequest(
        base_url=environment.get("GITHUB_API_URL") or "https://api.github.com",
        token=environment.get("GITHUB_TOKEN") or None,
        repository=environment.get("GITHUB_REPOSITORY", ""),
        number=number if isinstance(number, int) else int(ref[1]) if ref else None,
        commit=commit if isinstance(commit, str) and commit else None,
        # A run that another workflow started reports on that run's data, so it takes that run's id.
        run=_whole(workflow.get("id") or environment.get("GITHUB_RUN_ID")),
        head=f"{owner}:{branch}" if owner and branch else None,
    )


def _on_gitlab(environment: Mapping[str, str]) -> PullRequest:
    # A merge request belongs to its target project; the pipeline for a fork runs in the fork.
    here = environment.get("CI_PROJECT_ID", "")
    target = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or here
    return PullRequest(
        base_url=environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
        token=environment.get("GITLAB_TOKEN") or None,
        repository=target,
        fork=target != here,
        number=_whole(environment.get("CI_MERGE_REQUEST_IID")),
        commit=environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
        or environment.get("CI_COMMIT_SHA")
        or None,
        run=_whole(environment.get("CI_PIPELINE_ID")),
    )


def _on_azure(environment: Mapping[str, str]) -> PullRequest:
    # Azure Pipelines also builds repositories of other forges, whose pull requests are there.
    provider = environment.get("BUILD_REPOSITORY_PROVIDER") or "TfsGit"
    if provider != "TfsGit":
        raise UsageError(
            "the repository of this pipeline is not in Azure Repos",
            where="BUILD_REPOSITORY_PROVIDER",
            remedy="comment on the forge that has it: tfcert comment github, for example",
        )
    project, name = (
        environment.get("SYSTEM_TEAMPROJECT", ""),
        environment.get("BUILD_REPOSITORY_NAME", ""),
    )
    return PullRequest(
        base_url=environment.get("SYSTEM_COLLECTIONURI") or "https://dev.azure.com",
        token=environment.get("SYSTEM_ACCESSTOKEN") or None,
        repository=f"{project}/{name}" if project and name else "",
        number=_whole(environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID")),
        # BUILD_SOURCEVERSION is the merge that Azure makes for the build.
        commit=environment.get("SYSTEM_PULLREQUEST_SOURCECOMMITID")
        or environment.get("BUILD_SOURCEVERSION")
        or None,
        run=_whole(environment.get("BUILD_BUILDID")),
        fork=environment.get("SYSTEM_PULLREQUEST_ISFORK", "").lower() == "true",
    )


def _on_bitbucket(environment: Mapping[str, str]) -> PullRequest:
    return PullRequest(
        base_url=environment.get("BITBUCKET_API_URL") or "https://api.bitbucket.org/2.0",
        token=environment.get("BITBUCKET_TOKEN") or None,
        repository=environment.get("BITBUCKET_REPO_FULL_NAME", ""),
        number=_whole(environment.get("BITBUCKET_PR_ID")),
        commit=environment.get("BITBUCKET_COMMIT") or None,
        run=_whole(environment.get("BITBUCKET_BUILD_NUMBER")),
        user=environment.get("BITBUCKET_EMAIL") or None,
    )


_FINDERS: Mapping[Forge, Callable[[Mapping[str, str]], PullRequest]] = {
    Forge.GITHUB: _on_github,
    Forge.GITLAB: _on_gitlab,
    Forge.AZURE: _on_azure,
    Forge.BITBUCKET: _on_bitbucket,
}


def _event(path: str | None) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        return _mapping(json.loads(Path(path).read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"not the event of a workflow: {error}",
            where=path,
            remedy="unset GITHUB_EVENT_PATH, or give --number",
        ) from error


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _whole(found: object) -> int | None:
    return int(str(found)) if found is not None and str(found).isdecimal() else None
