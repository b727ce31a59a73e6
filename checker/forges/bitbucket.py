"""The comments of a pull request on Bitbucket Cloud.

Source: Atlassian's published description of the API 2.0, "Pullrequests"; "Access tokens" (Bearer),
"API tokens" (Basic, with the user's email address).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from checker.errors import TfcertError
from checker.forges.comment import (
    Comment,
    CommentGoneError,
    HideReason,
    RefusedError,
    pages,
)
from checker.forges.rest import ForgeNames, RestClient, RestConversation, basic
from checker.forges.retry import RetryPolicy

_PAGE, _PAGES = 100, 60
_NAMES = ForgeNames(
    forge="Bitbucket",
    address="BITBUCKET_API_URL",
    token="BITBUCKET_TOKEN",  # noqa: S106 -- the name of a variable
    remedy="the token needs the scope to write pull requests (`pullrequest:write`); docs/bot.md",
)


class BitbucketConversation(RestConversation):
    """The comments of one pull request. `repository` is WORKSPACE/REPOSITORY.

    With `user`, the token is an API token of that user's email address.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        user: str | None,
        repository: str,
        number: int,
        retries: RetryPolicy,
    ) -> None:
        workspace, _, name = repository.partition("/")
        where = f"{repository}!{number}"
        client = RestClient(
            base_url,
            authorization=basic(user, token) if user else f"Bearer {token}",
            names=_NAMES,
            where=where,
        )
        super().__init__(client, where=where, retries=retries)
        self._comments = (
            f"/repositories/{quote(workspace, safe='')}/{quote(name, safe='')}"
            f"/pullrequests/{number}/comments"
        )

    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return our comments from all pages: those whose author is the token's account."""

        def read(page: int) -> tuple[list[int], list[tuple[Comment, str]]]:
            query = {"page": str(page + 1), "pagelen": str(_PAGE), "sort": "created_on"}
            answer = self._send("GET", "", query=query)
            there = [(each, _comment(each)) for each in answer["values"]]
            return [comment.id for _, comment in there], [
                (comment, str(each["user"]["uuid"]))
                for each, comment in there
                if not each.get("deleted") and candidate(comment.body)
            ]

        found: list[tuple[Comment, str]] = []
        for page in pages(_PAGES, where=self._where):
            ids, candidates = self._ask(partial(read, page.number))
            found += candidates
            if page.is_last(ids, size=_PAGE):
                break
        return self._own(found)

    def edit(self, comment: Comment, body: str) -> None:
        """Replace the text of a comment."""
        self._change("PUT", comment, _body(body))

    def again(self, comment: Comment) -> Comment:
        """Return the current version of a comment."""

        def read() -> Comment:
            found = self._send("GET", f"/{comment.id}", absent=CommentGoneError)
            if found.get("deleted"):
                raise CommentGoneError("the comment is deleted", where=self._where)
            return _comment(found)

        return self._ask(read)

    def delete(self, comment: Comment) -> None:
        """Delete a comment."""
        self._change("DELETE", comment, None)

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Do nothing: Bitbucket cannot hide a comment."""

    def show(self, comment: Comment) -> None:
        """Do nothing: Bitbucket never hides a comment."""

    def _write(self, body: str) -> Comment:
        return _comment(self._send("POST", "", _body(body)))

    def _viewer(self) -> str:
        return str(self._client.send("GET", "/user")["uuid"])

    def _change(self, method: str, comment: Comment, body: Mapping[str, object] | None) -> None:
        self._ask(lambda: self._send(method, f"/{comment.id}", body, absent=CommentGoneError))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        absent: type[TfcertError] = RefusedError,
    ) -> Any:
        return self._client.send(
            method, f"{self._comments}{path}", query=query, body=body, absent=absent
        )


def _body(text: str) -> dict[str, object]:
    # The description requires `type` of every object.
    return {"type": "pullrequest_comment", "content": {"raw": text}}


def _comment(found: Any) -> Comment:
    body, identity = found["content"]["raw"], found["id"]
    if not isinstance(body, str) or not isinstance(identity, int):
        raise TypeError("content")
    return Comment(id=identity, body=body, url=f"comment {identity}")
