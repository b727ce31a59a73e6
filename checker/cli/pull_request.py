"""Find the pull request of a run, from options and the CI environment, and post the comment.

Sources: GitHub, "Variables reference" and "Webhook events and payloads"; GitLab, "Predefined CI/CD
variables reference".
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from checker.cli import output
from checker.errors import UsageError
from checker.forges.comment import (
    GITHUB_LIMIT,
    GITLAB_LIMIT,
    Behavior,
    Conversation,
    Marker,
    Post,
    RefusedError,
    update_comment,
)
from checker.forges.dry_run import DryRunConversation
from checker.forges.retry import RetryPolicy
from checker.reports.escape import printable
from checker.reports.github import workflow_commands
from checker.reports.markdown import render_documents, size
from checker.reports.markdown.escape import NamedAccounts

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
            f"{sha!r} is no commit", where="--commit", remedy="give its SHA, in lower case"
        )
    made = replace(
        found, repository=named, number=number if number is not None else found.number, commit=sha
    )
    if made.number is None and made.head is None:
        remedy = "give it, or run on the pull request's own event"
        raise UsageError(
            "which pull request? The environment names none", where="--number", remedy=remedy
        )
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
    meant = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or here
    return PullRequest(
        base_url=environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
        token=environment.get("GITLAB_TOKEN") or None,
        repository=meant,
        fork=meant != here,
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


_CODES = {"clean": 0, "findings": 1, "inconclusive": 3}


class CommentRequest(Struct, frozen=True, kw_only=True):
    """The content of a comment; `key` separates it from our other comments on the pull request."""

    documents: tuple[NamedAccounts, ...]
    key: str
    masked: bool
    artifact: str | None
    always: bool

    @property
    def exit_code(self) -> int:
        """Return the worst exit code: 1 (findings) before 3 (inconclusive) before 0."""
        codes = {
            each.document.get("exit_code", _CODES[each.document["verdict"]])
            for each in self.documents
        }
        return next((code for code in (1, 3) if code in codes), 0)

    @property
    def resolved(self) -> bool:
        """Return whether every outcome is clean, without warnings."""
        counts = [each.document["summary"] for each in self.documents]
        clean = all(each.document["verdict"] == "clean" for each in self.documents)
        return clean and not any(
            count["error"] or count["warning"] or count["unverified"] for count in counts
        )


def post_comment(
    forge: Forge, target: PullRequest, letter: CommentRequest, behavior: Behavior, *, dry_run: bool
) -> int:
    """Post the comment, or print it in a dry run; return the exit code.

    Raises TfcertError if the forge does not answer.
    """
    post = _post(forge, target, letter)
    try:
        conversation = _conversation(forge, target, needed=not dry_run)
        if dry_run or conversation is None:
            pretence = DryRunConversation(conversation)
            did = update_comment(pretence, post, behavior).did
            _tell(pretence, str(did))
        else:
            kept = update_comment(conversation, post, behavior)
            where = f": {kept.comment.url}" if kept.comment is not None else ""
            output.write(printable(f"comment {kept.did}{where}").encode() + b"\n")
    except RefusedError as error:
        output.warn(f"no comment could be written: {error}")
        if dry_run:
            output.write(post.body.encode())
        else:
            _instead(forge, letter, post)
    return letter.exit_code


def _post(forge: Forge, target: PullRequest, letter: CommentRequest) -> Post:
    marker = Marker(
        key=letter.key,
        repository=target.repository,
        at=min(
            datetime.fromisoformat(each.document["as_of"]).astimezone(UTC)
            for each in letter.documents
        ),
        commit=target.commit,
        run=target.run,
        resolved=letter.resolved,
    )
    limit = GITHUB_LIMIT if forge is Forge.GITHUB else GITLAB_LIMIT
    room = limit - size(Post(text="", marker=marker).body)
    text = render_documents(
        letter.documents, limit=room, masked=letter.masked, artifact=letter.artifact
    )
    return Post(text=text, marker=marker, always=letter.always)


def _conversation(forge: Forge, target: PullRequest, *, needed: bool) -> Conversation | None:
    """Return the conversation to write to; None if there is no token and none is needed."""
    token, patience = target.token, RetryPolicy()
    if token is None and target.fork:
        raise RefusedError("the pipeline of a fork has no token", where=f"{forge.upper()}_TOKEN")
    if token is None and needed:
        raise UsageError(
            "no token",
            where=f"{forge.upper()}_TOKEN",
            remedy="set it in the environment; it needs to write comments",
        )
    if token is None:
        return None
    try:
        if forge is Forge.GITLAB:
            from checker.forges.gitlab import GitlabConversation

            return GitlabConversation(
                base_url=target.base_url,
                token=token,
                repository=target.repository,
                number=target.number or 0,
                patience=patience,
            )
        from checker.forges.github import GithubClient, GithubConversation, number_by_head
    except ImportError as error:
        remedy = "pip install 'tfcert[comment]'"
        raise UsageError(
            f"the client of {forge} is not installed: {error.name}", remedy=remedy
        ) from error
    client = GithubClient(base_url=target.base_url, token=token, patience=patience)
    number = target.number
    if number is None:
        number = number_by_head(
            client, repository=target.repository, head=target.head or "", commit=target.commit or ""
        )
    return GithubConversation(client, repository=target.repository, number=number)


def _tell(pretence: DryRunConversation, did: str) -> None:
    """Print the result of a dry run: the comment's exact text on stdout, the action on stderr."""
    for line in pretence.done or (did,):
        output.warn(f"dry run: {line}")
    if pretence.body is not None:
        output.write(pretence.body.encode())


def _instead(forge: Forge, letter: CommentRequest, post: Post) -> None:
    """Print the report in the job's log and summary, if the token may not write comments."""
    summary = os.environ.get(output.SUMMARY) if forge is Forge.GITHUB else None
    if forge is Forge.GITHUB and os.environ.get("GITHUB_ACTIONS") == "true":
        output.write(
            "".join(
                f"{line}\n" for line in workflow_commands(letter.documents, masked=letter.masked)
            ).encode()
        )
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(f"{post.text}\n")
        except OSError as wrong:
            output.warn(f"{summary}: {wrong.strerror}")
    elif forge is Forge.GITLAB or os.environ.get("GITHUB_ACTIONS") != "true":
        output.write(post.text.encode())
