"""The forges, and what posts to them."""

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
    """GitHub; a test that leaves a violation of its description fails."""
    with GithubStandIn() as server:
        yield Rig(name="github", server=server, repository=REPOSITORY)
    assert server.violations == []


@pytest.fixture
def gitlab():
    """GitLab; a test that leaves a violation of its description fails."""
    with GitlabStandIn() as server:
        yield Rig(name="gitlab", server=server, repository=PROJECT)
    assert server.violations == []


@pytest.fixture
def azure():
    """Azure DevOps; a test that leaves a violation of its description fails."""
    with AzureStandIn() as server:
        yield Rig(name="azure", server=server, repository=AZURE_REPOSITORY)
    assert server.violations == []


@pytest.fixture
def bitbucket():
    """Bitbucket; a test that leaves a violation of its description fails."""
    with BitbucketStandIn() as server:
        yield Rig(name="bitbucket", server=server, repository=BITBUCKET_REPOSITORY)
    assert server.violations == []


@pytest.fixture(params=["github", "gitlab", "azure", "bitbucket"])
def forge(request):
    """Each forge in turn."""
    return request.getfixturevalue(request.param)
