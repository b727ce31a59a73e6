"""Post the outcome as one comment on a pull request, or say it in annotations instead."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from msgspec import Struct

from checker.cli import output
from checker.errors import UsageError
from checker.forges.comment import (
    AZURE_LIMIT,
    BITBUCKET_LIMIT,
    GITHUB_LIMIT,
    GITLAB_LIMIT,
    Behavior,
    Conversation,
    Marker,
    MarkerForm,
    Post,
    RefusedError,
    update_comment,
)
from checker.forges.dry_run import DryRunConversation
from checker.forges.pull_request import TOKENS, Forge, PullRequest
from checker.forges.retry import RetryPolicy
from checker.model.policy import RULE_PAGES
from checker.reports.escape import printable
from checker.reports.github import workflow_commands
from checker.reports.markdown import render_documents, size
from checker.reports.markdown.escape import NamedAccounts
from checker.reports.markdown.without_html import without_html


def rule_pages_address(given: str | None) -> str | None:
    """Return the address of the rules' pages; raises UsageError if a link cannot have it."""
    if given is None or re.fullmatch(RULE_PAGES, given):
        return given.rstrip("/") if given is not None else None
    raise UsageError(
        f"{given!r} is not an https:// address without spaces, query and fragment",
        where="--rule-pages",
        remedy="write https://HOST/FOLDER",
    )


_LIMITS = {
    Forge.GITHUB: GITHUB_LIMIT,
    Forge.GITLAB: GITLAB_LIMIT,
    Forge.AZURE: AZURE_LIMIT,
    Forge.BITBUCKET: BITBUCKET_LIMIT,
}
_CODES = {"clean": 0, "findings": 1, "inconclusive": 3}


class _Where(TypedDict):
    """Where a comment goes, and with which token and limits."""

    base_url: str
    token: str
    repository: str
    number: int
    retries: RetryPolicy


class CommentRequest(Struct, frozen=True, kw_only=True):
    """The content of a comment; `key` separates it from our other comments on the pull request."""

    documents: tuple[NamedAccounts, ...]
    key: str
    masked: bool
    artifact: str | None
    always: bool
    rule_pages: str | None = None

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
            _report_dry_run(pretence, str(did))
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
    # Bitbucket shows HTML as text.
    form = MarkerForm.REFERENCE if forge is Forge.BITBUCKET else MarkerForm.HTML
    room = _LIMITS[forge] - size(Post(text="", marker=marker, form=form).body)
    text = render_documents(
        letter.documents,
        limit=room,
        masked=letter.masked,
        artifact=letter.artifact,
        rule_pages=letter.rule_pages,
    )
    if form is MarkerForm.REFERENCE:
        text = without_html(text)
    return Post(text=text, marker=marker, always=letter.always, form=form)


def _conversation(forge: Forge, target: PullRequest, *, needed: bool) -> Conversation | None:
    """Return the conversation to write to; None if there is no token and none is needed."""
    token, retries = target.token, RetryPolicy()
    if token is None and target.fork:
        raise RefusedError("the pipeline of a fork has no token", where=TOKENS[forge])
    if token is None and needed:
        raise UsageError(
            "no token",
            where=TOKENS[forge],
            remedy="set it in the environment; it needs to write comments",
        )
    if token is None:
        return None
    where: _Where = {
        "base_url": target.base_url,
        "token": token,
        "repository": target.repository,
        "number": target.number or 0,
        "retries": retries,
    }
    try:
        match forge:
            case Forge.AZURE:
                from checker.forges.azure import AzureConversation

                return AzureConversation(**where)
            case Forge.BITBUCKET:
                from checker.forges.bitbucket import BitbucketConversation

                return BitbucketConversation(**where, user=target.user)
            case Forge.GITLAB:
                from checker.forges.gitlab import GitlabConversation

                return GitlabConversation(**where)
            case Forge.GITHUB:
                from checker.forges.github import GithubClient, GithubConversation, number_by_head
    except ImportError as error:
        remedy = "pip install 'tfcert[comment]'"
        raise UsageError(
            f"the client of {forge} is not installed: {error.name}", remedy=remedy
        ) from error
    client = GithubClient(base_url=target.base_url, token=token, retries=retries)
    number = target.number
    if number is None:
        number = number_by_head(
            client, repository=target.repository, head=target.head or "", commit=target.commit or ""
        )
    return GithubConversation(client, repository=target.repository, number=number)


def _report_dry_run(pretence: DryRunConversation, did: str) -> None:
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
    elif forge is not Forge.GITHUB or os.environ.get("GITHUB_ACTIONS") != "true":
        output.write(post.text.encode())
