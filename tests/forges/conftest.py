"""The two forges, and what posts to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from github_stand_in import REPOSITORY, GithubStandIn
from gitlab_stand_in import PROJECT, GitlabStandIn

from checker.forges.github import (
    GithubClient,
    GithubConversation,
)
from checker.forges.gitlab import GitlabConversation
from checker.forges.retry import RetryPolicy


@dataclass(kw_only=True)
class Rig:
    """A forge, how to reach it, and the pauses that were made."""

    name: str
    server: object
    repository: str
    pauses: list = field(default_factory=list)

    def conversation(self, token="writes", number=7):
        retries = RetryPolicy(sleep=self.pauses.append)
        if self.name == "github":
            client = GithubClient(base_url=self.server.url, token=token, retries=retries)
            return GithubConversation(client, repository=self.repository, number=number)
        return GitlabConversation(
            base_url=self.server.url,
            token=token,
            repository=self.repository,
            number=number,
            retries=retries,
        )


@pytest.fixture
def github():
    """GitHub; a test that leaves a violation of its description fails."""
    with GithubStandIn() as server:
        yield Rig(name="github", server=server, repository=REPOSITORY)
    assert server.violations == []


@pytest.fixture
def gitlab():
    """GitLab, likewise."""
    with GitlabStandIn() as server:
        yield Rig(name="gitlab", server=server, repository=PROJECT)
    assert server.violations == []


@pytest.fixture(params=["github", "gitlab"])
def forge(request):
    """Each forge in turn."""
    return request.getfixturevalue(request.param)
