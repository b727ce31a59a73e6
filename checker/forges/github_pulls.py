"""Which pull request a commit on a branch belongs to, where a workflow is not told: after one that a fork has started."""

from __future__ import annotations

from checker.domain.errors import UsageError
from checker.forges.github_client import GithubClient


def number_by_head(client: GithubClient, *, repository: str, head: str, commit: str) -> int:
    """The open pull request of a head, `owner:branch`, whose commit is just that one.

    GitHub itself is asked, since what a fork's workflow says of itself could name any pull request. Raises UsageError where there
    is none. Source: GitHub's REST API, "List pull requests", `head`.
    """
    listing = client.api.get_repo(repository).get_pulls(state="open", head=head)
    numbers = client.ask(lambda: [pull.number for pull in listing.get_page(0) if pull.head.sha == commit], where=repository)
    if numbers:
        return numbers[0]
    raise UsageError(
        f"no open pull request has {commit[:12]} at the head of {head}",
        where=repository,
        remedy="it was closed, or pushed to since; there is nothing to comment on, or name it with --number",
    )
