"""The forge of `tfcert propose`, from options and environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict

from checker.cli import output
from checker.errors import UsageError
from checker.forges.proposals.forge import ProposalForge
from checker.forges.pull_request import TOKENS, Forge, repository_access
from checker.forges.retry import RetryPolicy


class _Access(TypedDict):
    """How to reach a repository, and what to do with the calls that change it."""

    base_url: str
    token: str
    repository: str
    retries: RetryPolicy
    recorded: Callable[[str], None] | None


def proposal_forge(
    forge: Forge, *, repository: str | None, environment: Mapping[str, str], dry_run: bool
) -> ProposalForge:
    """Return the repository on its forge; raises UsageError without a token or a repository.

    In a dry run, each call that would change something is printed and not sent.
    """
    access = repository_access(forge, repository=repository, environment=environment)
    if access.token is None:
        raise UsageError(
            "no token",
            where=TOKENS[forge],
            remedy="set it in the environment; it needs to write branches and requests",
        )

    def record(call: str) -> None:
        output.write(f"{call}\n".encode())

    how: _Access = {
        "base_url": access.base_url,
        "token": access.token,
        "repository": access.repository,
        "retries": RetryPolicy(),
        "recorded": record if dry_run else None,
    }
    try:
        match forge:
            case Forge.GITHUB:
                from checker.forges.proposals.github import GithubProposals

                return GithubProposals(**how)
            case Forge.GITLAB:
                from checker.forges.proposals.gitlab import GitlabProposals

                return GitlabProposals(**how)
            case _:
                raise UsageError(
                    "is not a forge of `tfcert propose`",
                    where=str(forge),
                    remedy="use github or gitlab",
                )
    except ImportError as error:
        raise UsageError(
            f"the client of {forge} is not installed: {error.name}",
            remedy="pip install 'tfcert[comment]'",
        ) from error
