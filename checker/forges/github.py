"""The comments of a pull request on GitHub, or on GitHub Enterprise.

Whose a comment is says GraphQL's `viewerDidAuthor`: it holds for every kind of token, while `GET /user` is closed to the tokens of
GitHub Actions and of Apps. Sources: GitHub's REST API, "Issue comments"; its GraphQL reference, `IssueComment`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from github.IssueComment import IssueComment

from checker.forges.conversation import Comment, VanishedError, Why
from checker.forges.github_client import PAGE, GithubClient

_PAGES = 500
_WHOSE = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on IssueComment { id viewerDidAuthor isMinimized } } }"


class GithubConversation:
    """The comments of one pull request."""

    def __init__(self, client: GithubClient, *, repository: str, number: int) -> None:
        self._client = client
        self._issue = client.api.get_repo(repository).get_issue(number)
        self._where = f"{repository}#{number}"
        self._known: dict[int, IssueComment] = {}

    def ours(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Page through all comments, and ask GitHub which of the candidates this token wrote."""
        listing = self._issue.get_comments()
        found: list[IssueComment] = []
        for page in range(_PAGES):
            comments = self._client.ask(partial(listing.get_page, page), where=self._where)
            found += (comment for comment in comments if candidate(comment.body or ""))
            if len(comments) < PAGE:
                break
        self._known |= {comment.id: comment for comment in found}
        whose = self._whose([comment.node_id for comment in found])
        return [_comment(each, hidden=whose[each.node_id]) for each in found if each.node_id in whose]

    def create(self, body: str) -> Comment:
        """Add a comment; one that was heard although the answer was lost is found, not written twice."""

        def settled() -> Comment | None:
            return next(iter(self.ours(lambda text: text.strip() == body.strip())), None)

        def create() -> Comment:
            made = self._client.once(lambda: self._issue.create_comment(body), where=self._where)
            self._known[made.id] = made
            return _comment(made, hidden=False)

        return self._client.patience.ask(create, settled=settled)

    def edit(self, comment: Comment, body: str) -> None:
        """Give a comment another body."""
        self._client.ask(lambda: self._known[comment.id].edit(body), where=self._where, absent=VanishedError)

    def delete(self, comment: Comment) -> None:
        """Take a comment away."""
        self._client.ask(self._known[comment.id].delete, where=self._where, absent=VanishedError)

    def hide(self, comment: Comment, why: Why) -> None:
        """Minimise a comment."""
        self._client.ask(lambda: self._known[comment.id].minimize(why.value), where=self._where, absent=VanishedError)

    def show(self, comment: Comment) -> None:
        """Unminimise a comment."""
        self._client.ask(self._known[comment.id].unminimize, where=self._where, absent=VanishedError)

    def _whose(self, ids: Sequence[str]) -> Mapping[str, bool]:
        """Which of some comments are this token's, and whether each is minimised."""
        found: dict[str, bool] = {}
        for start in range(0, len(ids), PAGE):
            variables = {"ids": list(ids[start : start + PAGE])}
            _, answer = self._client.ask(
                partial(self._client.api.requester.graphql_query, _WHOSE, variables), where=self._where, absent=VanishedError
            )
            nodes = answer["data"]["nodes"]
            found |= {node["id"]: node["isMinimized"] for node in nodes if node and node["viewerDidAuthor"]}
        return found


def _comment(found: IssueComment, *, hidden: bool) -> Comment:
    return Comment(id=found.id, body=found.body or "", url=found.html_url, hidden=hidden)
