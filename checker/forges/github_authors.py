"""Which comments a token wrote, and which of them are folded away.

GraphQL says both, for every kind of token: `GET /user` is closed to the tokens of GitHub Actions and of Apps. Where GraphQL is not
there, as behind some proxies, the user's login is compared; where that is not told either, what has our marker is taken for ours.
Sources: GitHub's GraphQL reference, `IssueComment.viewerDidAuthor`; its REST API, "Get the authenticated user".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from github.IssueComment import IssueComment

from checker.forges.conversation import OddAnswerError, RefusedError
from checker.forges.github_client import PAGE, GithubClient

_WHOSE = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on IssueComment { id viewerDidAuthor isMinimized } } }"


def authored(client: GithubClient, comments: Sequence[IssueComment], *, where: str) -> Mapping[int, bool]:
    """Whether each comment that is this token's is folded away, by the comment's id; those of others are not in it."""
    if not comments:
        return {}
    try:
        hidden = _by_graphql(client, [comment.node_id for comment in comments], where)
        return {comment.id: hidden[comment.node_id] for comment in comments if comment.node_id in hidden}
    except (RefusedError, OddAnswerError):
        login = _login(client, where)
        return {comment.id: False for comment in comments if login is None or comment.user.login == login}


def _by_graphql(client: GithubClient, ids: Sequence[str], where: str) -> Mapping[str, bool]:
    def part(these: list[str]) -> dict[str, bool]:
        _, answer = client.api.requester.graphql_query(_WHOSE, {"ids": these})
        return {node["id"]: node["isMinimized"] for node in answer["data"]["nodes"] if node and node["viewerDidAuthor"]}

    found: dict[str, bool] = {}
    for start in range(0, len(ids), PAGE):
        found |= client.ask(partial(part, list(ids[start : start + PAGE])), where=where)
    return found


def _login(client: GithubClient, where: str) -> str | None:
    try:
        return client.ask(lambda: client.api.get_user().login, where=where)
    except (RefusedError, OddAnswerError):
        return None
