"""GitHub's API through its client library, with limited retries and errors of our own types.

Sources: GitHub's REST API, "Rate limits for the REST API"; its GraphQL reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import requests
from github import Auth, BadAttributeException, Github, GithubException
from github.IssueComment import IssueComment
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from checker.errors import TfcertError, UsageError
from checker.forges.comment import (
    Comment,
    CommentGoneError,
    HideReason,
    InvalidResponseError,
    RefusedError,
    describe_exception,
    pages,
)
from checker.forges.retry import BusyError, RetryPolicy, whole_seconds
from checker.forges.transport import BoundedAdapter, check_address, quoted, unreached

T = TypeVar("T")
PAGE = 100
_SECONDARY = 60.0
_REMEDIES = {
    401: "GITHUB_TOKEN is invalid or has expired",
    422: "run with `--dry-run` to see the text",
}
_TRANSIENT = frozenset({500, 502, 503, 504})
_UNEXPECTED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadAttributeException,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_VARIABLE = "GITHUB_API_URL"
_CHECK_URL = "check that GITHUB_API_URL is the address of its REST API"
_REMEDY = (
    "give the job `permissions: pull-requests: write`; for pull requests from forks see docs/bot.md"
)


class _Http(HTTPRequestsConnectionClass):
    """An HTTP connection of GitHub's client with limits on requests and answers."""

    def __init__(self, host: str, port: int | None = None, **more: Any) -> None:
        super().__init__(host, port, **more)
        self.session.mount(
            "http://",
            BoundedAdapter(
                f"http://{_bracketed(host)}:{self.port}", name="GitHub", variable="GITHUB_API_URL"
            ),
        )


class _Https(HTTPSRequestsConnectionClass):
    """An HTTPS connection of GitHub's client with the same limits."""

    def __init__(self, host: str, port: int | None = None, **more: Any) -> None:
        super().__init__(host, port, **more)
        self.session.mount(
            "https://",
            BoundedAdapter(
                f"https://{_bracketed(host)}:{self.port}", name="GitHub", variable="GITHUB_API_URL"
            ),
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class GithubClient:
    """A token's access to one GitHub server.

    `base_url` is the address of the REST API. GitHub Actions has it in GITHUB_API_URL.
    """

    def __init__(self, *, base_url: str, token: str, retries: RetryPolicy) -> None:
        address = check_address(base_url, variable=_VARIABLE)
        # The client accepts an adapter only through its connection classes, which it reads now.
        Requester.injectConnectionClasses(_Http, _Https)
        # The client has retries of its own. They are off, since ours have limits.
        self.api = Github(
            auth=Auth.Token(token),
            base_url=address,
            per_page=PAGE,
            retry=None,
            lazy=True,
            timeout=30,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="tfcert",
        )
        Requester.resetConnectionClasses()
        self.retries = retries
        self._token = token

    def ask(
        self, question: Callable[[], T], *, where: str, absent: type[TfcertError] = RefusedError
    ) -> T:
        """Send a request with retries; `absent` is the error for a 404."""
        return self.retries.ask(lambda: self.once(question, where=where, absent=absent))

    def once(
        self, question: Callable[[], T], *, where: str, absent: type[TfcertError] = RefusedError
    ) -> T:
        """Send a request once; raises BusyError if a retry may help."""
        try:
            return question()
        except GithubException as error:
            raise _explain(
                error, where, absent, self._token
            ) from None  # it contains the request, which must not be logged
        except requests.exceptions.JSONDecodeError:
            raise InvalidResponseError(
                "GitHub answers with text that is not JSON", where=where, remedy=_CHECK_URL
            ) from None
        except requests.RequestException as error:
            raise BusyError(f"GitHub cannot be reached: {unreached(error)}") from None
        except _UNEXPECTED as error:
            # The client accepts any successful response as the requested object.
            what = f"GitHub's answer does not fit its API: {describe_exception(error)}"
            raise InvalidResponseError(what, where=where, remedy=_CHECK_URL) from error


def _explain(
    error: GithubException, where: str, absent: type[TfcertError], token: str
) -> Exception:
    what = f"GitHub answers {error.status}: {quoted(_message(error.data), token)}"
    headers = {name.lower(): text for name, text in (error.headers or {}).items()}
    pause = _pause(error.status, what, headers)
    if pause is not None or error.status in _TRANSIENT:
        return BusyError(what, after=pause)
    if _names(error.data, "NOT_FOUND"):
        return CommentGoneError(what, where=where, remedy=_REMEDY)
    if error.status == 404:
        return absent(what, where=where, remedy=_REMEDY)
    if error.status == 403 or _names(error.data, "FORBIDDEN"):
        return RefusedError(what, where=where, remedy=_REMEDY)
    if error.status in _REMEDIES:
        return TfcertError(what, where=where, remedy=_REMEDIES[error.status])
    return InvalidResponseError(what, where=where, remedy=_CHECK_URL)


def _errors(data: Any) -> list[Any]:
    found = data.get("errors") if isinstance(data, dict) else None
    return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []


def _names(data: Any, kind: str) -> bool:
    """Return whether GraphQL's errors have a given type."""
    return any(error.get("type") == kind for error in _errors(data))


def _message(data: Any) -> str:
    texts = [error.get("message") for error in (data, *_errors(data)) if isinstance(error, dict)]
    return next((text for text in texts if isinstance(text, str)), "no reason given")


def _pause(status: int, what: str, headers: Mapping[str, Any]) -> float | None:
    """Return the pause that GitHub asks for, in seconds; None if the error is not about a limit.

    Source: GitHub's "Rate limits for the REST API": `retry-after`, else until `x-ratelimit-reset`
    where nothing remains, else a minute. GraphQL answers 200 with an error in it, which the client
    reports as 400.
    """
    if status not in {400, 403, 429}:
        return None
    after = whole_seconds(str(headers.get("retry-after", "")))
    if after is not None:
        return after
    reset = whole_seconds(str(headers.get("x-ratelimit-reset", "")))
    if str(headers.get("x-ratelimit-remaining")) == "0" and reset is not None:
        return max(0.0, reset - time.time()) + 1
    return _SECONDARY if status == 429 or "rate limit" in what.lower() else None


_AUTHORS = (
    "query($ids: [ID!]!) "
    "{ nodes(ids: $ids) { ... on IssueComment { id viewerDidAuthor isMinimized } } }"
)


def own_comments(
    client: GithubClient, found: Sequence[IssueComment], *, where: str
) -> list[Comment]:
    """Return the comments that this token wrote, or may have written."""
    if not found:
        return []
    try:
        hidden = _by_graphql(client, [each.node_id for each in found], where)
        return [
            shown(each, hidden=hidden[each.node_id]) for each in found if each.node_id in hidden
        ]
    except (RefusedError, InvalidResponseError):
        login = _login(client, where)
        if login is None:
            return client.ask(
                lambda: [shown(each, proven=False) for each in found if each.user.type == "Bot"],
                where=where,
            )
        return client.ask(
            lambda: [shown(each) for each in found if each.user.login == login], where=where
        )


def shown(found: IssueComment, *, hidden: bool = False, proven: bool = True) -> Comment:
    """Convert a comment of GitHub's client.

    The client raises BadAttributeException for a value of another type.
    """
    return Comment(
        id=found.id, body=found.body or "", url=found.html_url, hidden=hidden, proven=proven
    )


def _by_graphql(client: GithubClient, ids: Sequence[str], where: str) -> Mapping[str, bool]:
    def part(these: list[str]) -> dict[str, bool]:
        _, answer = client.api.requester.graphql_query(_AUTHORS, {"ids": these})
        return {
            str(node["id"]): bool(node["isMinimized"])
            for node in answer["data"]["nodes"]
            if node and node["viewerDidAuthor"]
        }

    found: dict[str, bool] = {}
    for start in range(0, len(ids), PAGE):
        found |= client.ask(partial(part, list(ids[start : start + PAGE])), where=where)
    return found


def _login(client: GithubClient, where: str) -> str | None:
    try:
        return client.ask(lambda: client.api.get_user().login, where=where)
    except (RefusedError, InvalidResponseError):
        return None


# Source: GitHub, "This issue has reached the limit of 2500 comments".
_PAGES = 30


class GithubConversation:
    """The comments of one pull request."""

    def __init__(self, client: GithubClient, *, repository: str, number: int) -> None:
        self._client = client
        self._issue = client.api.get_repo(repository).get_issue(number)
        self._where = f"{repository}#{number}"
        self._known: dict[int, IssueComment] = {}

    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return our comments from all pages; GitHub tells which candidates this token wrote."""
        listing = self._issue.get_comments()

        def read(page: int) -> tuple[list[int], list[IssueComment]]:
            comments = listing.get_page(page)
            # Read every needed attribute of a candidate here, where a wrong type is handled.
            candidates = [
                each
                for each in comments
                if candidate(each.body or "") and each.node_id and each.html_url
            ]
            return [each.id for each in comments], candidates

        found: list[IssueComment] = []
        for page in pages(_PAGES, where=self._where):
            ids, candidates = self._client.ask(partial(read, page.number), where=self._where)
            found += candidates
            if page.is_last(ids, size=PAGE):
                break
        self._known |= {comment.id: comment for comment in found}
        return own_comments(self._client, found, where=self._where)

    def create(self, body: str) -> Comment:
        """Add a comment.

        If the answer to a first attempt was lost, find the comment instead of writing it twice.
        """

        def settled() -> Comment | None:
            return next(iter(self.own_comments(lambda text: text.strip() == body.strip())), None)

        def write() -> Comment:
            made = self._issue.create_comment(body)
            self._known[made.id] = made
            return shown(made)

        def create() -> Comment:
            return self._client.once(write, where=self._where)

        return self._client.retries.ask(create, settled=settled)

    def edit(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""
        self._client.ask(
            lambda: self._known[comment.id].edit(body), where=self._where, absent=CommentGoneError
        )

    def again(self, comment: Comment) -> Comment:
        """Return the current version of a comment."""

        def read() -> Comment:
            return shown(
                self._issue.get_comment(comment.id).complete(),
                hidden=comment.hidden,
                proven=comment.proven,
            )

        return self._client.ask(read, where=self._where, absent=CommentGoneError)

    def delete(self, comment: Comment) -> None:
        """Delete a comment."""
        self._client.ask(self._known[comment.id].delete, where=self._where, absent=CommentGoneError)

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Minimise a comment."""
        self._client.ask(
            lambda: self._known[comment.id].minimize(why.value),
            where=self._where,
            absent=CommentGoneError,
        )

    def show(self, comment: Comment) -> None:
        """Unminimise a comment."""
        self._client.ask(
            self._known[comment.id].unminimize, where=self._where, absent=CommentGoneError
        )


def number_by_head(client: GithubClient, *, repository: str, head: str, commit: str) -> int:
    """Return the number of the open pull request of a head, `owner:branch`, at exactly this commit.

    It asks GitHub, since a workflow from a fork could name any pull request. Raises UsageError if
    there is no such pull request. Source: GitHub's REST API, "List pull requests", `head`.
    """
    listing = client.api.get_repo(repository).get_pulls(state="open", head=head)
    numbers = client.ask(
        lambda: [pull.number for pull in listing.get_page(0) if pull.head.sha == commit],
        where=repository,
    )
    if numbers:
        return numbers[0]
    raise UsageError(
        f"no open pull request has {commit[:12]} at the head of {head}",
        where=repository,
        remedy="it was closed, or pushed to since; "
        "there is nothing to comment on, or name it with --number",
    )
