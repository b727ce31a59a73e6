"""The comments of a pull request on GitHub, or on GitHub Enterprise.

Sources: GitHub's REST API, "Issue comments"; its GraphQL reference, `minimizeComment`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from github.IssueComment import IssueComment

from checker.forges.conversation import Comment, VanishedError, Why, pages
from checker.forges.github_authors import authored, shown
from checker.forges.github_client import PAGE, GithubClient

# Source: GitHub, "This issue has reached the limit of 2500 comments".
_PAGES = 30


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

        def read(page: int) -> tuple[list[int], list[IssueComment]]:
            comments = listing.get_page(page)
            # All that is asked of a candidate later on is read here, where a wrong type is met.
            candidates = [each for each in comments if candidate(each.body or "") and each.node_id and each.html_url]
            return [each.id for each in comments], candidates

        found: list[IssueComment] = []
        for page in pages(_PAGES, where=self._where):
            ids, candidates = self._client.ask(partial(read, page.number), where=self._where)
            found += candidates
            if page.is_last(ids, size=PAGE):
                break
        self._known |= {comment.id: comment for comment in found}
        return authored(self._client, found, where=self._where)

    def create(self, body: str) -> Comment:
        """Add a comment; one that was heard although the answer was lost is found, not written twice."""

        def settled() -> Comment | None:
            return next(iter(self.ours(lambda text: text.strip() == body.strip())), None)

        def write() -> Comment:
            made = self._issue.create_comment(body)
            self._known[made.id] = made
            return shown(made)

        def create() -> Comment:
            return self._client.once(write, where=self._where)

        return self._client.patience.ask(create, settled=settled)

    def edit(self, comment: Comment, body: str) -> None:
        """Give a comment another body."""
        self._client.ask(lambda: self._known[comment.id].edit(body), where=self._where, absent=VanishedError)

    def again(self, comment: Comment) -> Comment:
        """The comment as it is by now."""

        def read() -> Comment:
            return shown(self._issue.get_comment(comment.id).complete(), hidden=comment.hidden, proven=comment.proven)

        return self._client.ask(read, where=self._where, absent=VanishedError)

    def delete(self, comment: Comment) -> None:
        """Take a comment away."""
        self._client.ask(self._known[comment.id].delete, where=self._where, absent=VanishedError)

    def hide(self, comment: Comment, why: Why) -> None:
        """Minimise a comment."""
        self._client.ask(lambda: self._known[comment.id].minimize(why.value), where=self._where, absent=VanishedError)

    def show(self, comment: Comment) -> None:
        """Unminimise a comment."""
        self._client.ask(self._known[comment.id].unminimize, where=self._where, absent=VanishedError)
