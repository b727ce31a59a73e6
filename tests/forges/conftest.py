"""Fixtures for the forges and for the clients that post to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from azure_stand_in import REPOSITORY as AZURE_REPOSITORY
from azure_stand_in import AzureStandIn
from bitbucket_stand_in import REPOSITORY as BITBUCKET_REPOSITORY
from bitbucket_stand_in import BitbucketStandIn
from github_stand_in import REPOSITORY, GithubStandIn
from gitlab_stand_in import PROJECT, GitlabStandIn

from checker.forges.azure import AzureConversation
from checker.forges.bitbucket import BitbucketConversation
from checker.forges.github import (
    GithubClient,
    GithubConversation,
)
from checker.forges.gitlab import GitlabConversation
from checker.forges.retry import RetryPolicy


@dataclass(kw_only=True)
class Rig:
    """A forge, the way to reach it, and the pauses that its client made."""

    name: str
    server: object
    repository: str
    pauses: list = field(default_factory=list)

    def conversation(self, token="writes", number=7):
        retries = RetryPolicy(sleep=self.pauses.append)
        if self.name == "github":
            client = GithubClient(base_url=self.server.url, token=token, retries=retries)
            return GithubConversation(client, repository=self.repository, number=number)
        more = {"user": None} if self.name == "bitbucket" else {}
        kinds = {
            "gitlab": GitlabConversation,
            "azure": AzureConversation,
            "bitbucket": BitbucketConversation,
        }
        return kinds[self.name](
            base_url=self.server.url,
            token=token,
            repository=self.repository,
            number=number,
            retries=retries,
            **more,
        )


@pytest.fixture
def github():
    """Yield GitHub. The test fails if a request or an answer violates GitHub's description."""
    with GithubStandIn() as server:
        yield Rig(name="github", server=server, repository=REPOSITORY)
    assert server.violations == []


@pytest.fixture
def gitlab():
    """Yield GitLab. The test fails if a request or an answer violates GitLab's description."""
    with GitlabStandIn() as server:
        yield Rig(name="gitlab", server=server, repository=PROJECT)
    assert server.violations == []


@pytest.fixture
def azure():
    """Yield Azure DevOps. The test fails if a request or an answer violates its description."""
    with AzureStandIn() as server:
        yield Rig(name="azure", server=server, repository=AZURE_REPOSITORY)
    assert server.violations == []


@pytest.fixture
def bitbucket():
    """Yield Bitbucket. The test fails if a request or an answer violates its description."""
    with BitbucketStandIn() as server:
        yield Rig(name="bitbucket", server=server, repository=BITBUCKET_REPOSITORY)
    assert server.violations == []


@pytest.fixture(params=["github", "gitlab", "azure", "bitbucket"])
def forge(request):
    """Return each forge in turn."""
    return request.getfixturevalue(request.param)
