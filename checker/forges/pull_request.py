"""Find the pull request of a run, from options and the CI environment.

Sources: GitHub, "Variables reference" and "Webhook events and payloads"; GitLab, "Predefined CI/CD
variables reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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


class PullRequest(Struct, frozen=True, kw_only=True):
    """A pull request or merge request.

    `number` is None if only its `head` is known, as after the workflow of a fork. `run` is the
    number of the pipeline's run. `fork` means that it runs in a fork, which has no token of the
    parent project.
    """

    base_url: str
    token: str | None
    repository: str
    number: int | None
    commit: str | None
    run: int | None
    head: str | None = None
    fork: bool = False


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
    found = _on_github(environment) if forge is Forge.GITHUB else _on_gitlab(environment)
    named = repository or found.repository
    if not named:
        raise UsageError(
            "which repository?",
            where="--repository",
            remedy=f"give it, or set {_repository_variable(forge)}",
        )
    sha = commit or found.commit
    if sha is not None and not _COMMIT.fullmatch(sha):
        raise UsageError(
            f"{sha!r} is not a commit", where="--commit", remedy="give its SHA, in lower case"
        )
    made = replace(
        found, repository=named, number=number if number is not None else found.number, commit=sha
    )
    if made.number is None and made.head is None:
        remedy = "give it, or run on the pull request's own event"
        raise UsageError("the environment names no pull request", where="--number", remedy=remedy)
    return made


def _repository_variable(forge: Forge) -> str:
    return "GITHUB_REPOSITORY" if forge is Forge.GITHUB else "CI_MERGE_REQUEST_PROJECT_ID"


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
