"""Which comments a token wrote, and which of them are folded away.

GraphQL says both, for every kind of token: `GET /user` is closed to the tokens of GitHub Actions and of Apps. Where GraphQL is not
there, as behind some proxies, the user's login is compared. Only the tokens of Apps and of GitHub Actions are not told that either,
and both write as bots: so the comments of people never count, and one of a bot that has our marker is not proven to be ours.
Sources: GitHub's GraphQL reference, `IssueComment.viewerDidAuthor`; its REST API, "Get the authenticated user".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from github.IssueComment import IssueComment

from checker.forges.conversation import Comment, OddAnswerError, RefusedError
from checker.forges.github_client import PAGE, GithubClient

_WHOSE = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on IssueComment { id viewerDidAuthor isMinimized } } }"


def authored(client: GithubClient, found: Sequence[IssueComment], *, where: str) -> list[Comment]:
    """Return the comments that are this token's, or may be."""
    if not found:
        return []
    try:
        hidden = _by_graphql(client, [each.node_id for each in found], where)
        return [shown(each, hidden=hidden[each.node_id]) for each in found if each.node_id in hidden]
    except (RefusedError, OddAnswerError):
        login = _login(client, where)
        if login is None:
            return client.ask(lambda: [shown(each, proven=False) for each in found if each.user.type == "Bot"], where=where)
        return client.ask(lambda: [shown(each) for each in found if each.user.login == login], where=where)


def shown(found: IssueComment, *, hidden: bool = False, proven: bool = True) -> Comment:
    """Return a comment as the domain has it; the client raises BadAttributeException for what has another type."""
    return Comment(id=found.id, body=found.body or "", url=found.html_url, hidden=hidden, proven=proven)


def _by_graphql(client: GithubClient, ids: Sequence[str], where: str) -> Mapping[str, bool]:
    def part(these: list[str]) -> dict[str, bool]:
        _, answer = client.api.requester.graphql_query(_WHOSE, {"ids": these})
        return {str(node["id"]): bool(node["isMinimized"]) for node in answer["data"]["nodes"] if node and node["viewerDidAuthor"]}

    found: dict[str, bool] = {}
    for start in range(0, len(ids), PAGE):
        found |= client.ask(partial(part, list(ids[start : start + PAGE])), where=where)
    return found


def _login(client: GithubClient, where: str) -> str | None:
    try:
        return client.ask(lambda: client.api.get_user().login, where=where)
    except (RefusedError, OddAnswerError):
        return None
