"""The comment threads of a pull request in Azure Repos.

A comment of ours is the first one of a thread; the thread's status folds it. Source: Microsoft's
published description of the Git API 7.1, "Pull Request Threads" and "Pull Request Thread Comments";
"Use personal access tokens" (Basic, without a user).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from checker.errors import TfcertError
from checker.forges.comment import (
    Comment,
    CommentGoneError,
    HideReason,
    RefusedError,
)
from checker.forges.rest import ForgeNames, RestClient, RestConversation, basic
from checker.forges.retry import RetryPolicy

_NAMES = ForgeNames(
    forge="Azure DevOps",
    address="SYSTEM_COLLECTIONURI",
    token="SYSTEM_ACCESSTOKEN",  # noqa: S106 -- the name of a variable
    remedy="the token's user needs `Contribute to pull requests`; docs/bot.md",
)
_VERSION = {"api-version": "7.1"}
# The first comment of a thread has this id.
_FIRST = 1
_STATUSES = {HideReason.RESOLVED: "fixed", HideReason.OUTDATED: "closed"}
_FOLDED = frozenset({"fixed", "closed", "wontFix", "byDesign"})


class AzureConversation(RestConversation):
    """The threads of one pull request. `repository` is PROJECT/REPOSITORY, by name or id.

    `base_url` is the address of the organization or collection: SYSTEM_COLLECTIONURI in a pipeline.
    """

    def __init__(
        self, *, base_url: str, token: str, repository: str, number: int, retries: RetryPolicy
    ) -> None:
        project, _, name = repository.partition("/")
        where = f"{repository}!{number}"
        client = RestClient(base_url, authorization=basic("", token), names=_NAMES, where=where)
        super().__init__(client, where=where, retries=retries)
        self._threads = (
            f"/{quote(project, safe='')}/_apis/git/repositories/{quote(name, safe='')}"
            f"/pullRequests/{number}/threads"
        )

    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return our threads, the oldest first. Azure lists them all in one answer."""

        def read() -> list[tuple[Comment, str]]:
            threads = self._send("GET", "")["value"]
            found = [_first(thread) for thread in threads if not thread.get("isDeleted")]
            return [
                (comment, author)
                for comment, author in filter(None, found)
                if candidate(comment.body)
            ]

        return self._own(self._ask(read))

    def edit(self, comment: Comment, body: str) -> None:
        """Replace the text of a thread's first comment."""
        self._change("PATCH", f"/{comment.id}/comments/{_FIRST}", {"content": body})

    def again(self, comment: Comment) -> Comment:
        """Return the current version of a thread."""

        def read() -> Comment:
            return self._comment(self._send("GET", f"/{comment.id}", absent=CommentGoneError))

        return self._ask(read)

    def delete(self, comment: Comment) -> None:
        """Delete a thread's first comment; Azure then shows it as deleted, without its text."""
        self._change("DELETE", f"/{comment.id}/comments/{_FIRST}", None)

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Set the thread to `fixed` or `closed`, which folds it and blocks no merge."""
        self._change("PATCH", f"/{comment.id}", {"status": _STATUSES[why]})

    def show(self, comment: Comment) -> None:
        """Set the thread to `active` again."""
        self._change("PATCH", f"/{comment.id}", {"status": "active"})

    def _write(self, body: str) -> Comment:
        first = {"parentCommentId": 0, "content": body, "commentType": "text"}
        return self._comment(self._send("POST", "", {"comments": [first], "status": "active"}))

    def _viewer(self) -> str:
        return str(self._client.send("GET", "/_apis/connectionData")["authenticatedUser"]["id"])

    def _change(self, method: str, path: str, body: Mapping[str, object] | None) -> None:
        self._ask(lambda: self._send(method, path, body, absent=CommentGoneError))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        absent: type[TfcertError] = RefusedError,
    ) -> Any:
        return self._client.send(
            method, f"{self._threads}{path}", query=_VERSION, body=body, absent=absent
        )

    def _comment(self, thread: Any) -> Comment:
        found = _first(thread) if not thread.get("isDeleted") else None
        if found is None:
            raise CommentGoneError("the thread has no comment left", where=self._where)
        return found[0]


def _first(thread: Any) -> tuple[Comment, str] | None:
    """Return a thread's first comment and its author; None for Azure's own, and deleted ones."""
    first = next((each for each in thread["comments"] if each["id"] == _FIRST), None)
    if first is None or first.get("isDeleted") or first.get("commentType") == "system":
        return None
    body, identity = first.get("content", ""), thread["id"]
    if not isinstance(body, str) or not isinstance(identity, int):
        raise TypeError("content")
    comment = Comment(
        id=identity,
        body=body,
        url=f"thread {identity}",
        hidden=thread.get("status") in _FOLDED,
    )
    return comment, str(first["author"]["id"])
