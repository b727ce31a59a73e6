"""The notes of a merge request on GitLab, on gitlab.com or a self-managed server.

Source: GitLab's REST API, "Notes" and "Rate limits".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabError, GitlabParsingError
from msgspec.structs import replace

from checker.errors import TfcertError
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
# Source: GitLab, "Instance limits": at most 5,000 comments on a merge request.
_PAGE, _PAGES = 100, 60
_API = "/api/v4"
_TRANSIENT = frozenset({409, 429, 500, 502, 503, 504})
_REMEDY = (
    "GITLAB_TOKEN must be an access token with the scope `api`, "
    "of a member who may comment; docs/bot.md"
)


_SHOW_TEXT = "run with `--dry-run` to see the text"
_REMEDIES = {400: _SHOW_TEXT, 401: "GITLAB_TOKEN is invalid or has expired", 422: _SHOW_TEXT}
_CHECK_URL = "check that CI_API_V4_URL is the address of its REST API"


class GitlabConversation:
    """The notes of one merge request.

    `base_url` is the address of the REST API. GitLab CI has it in CI_API_V4_URL.
    """

    def __init__(
        self, *, base_url: str, token: str, repository: str, number: int, retries: RetryPolicy
    ) -> None:
        address = check_address(base_url, variable="CI_API_V4_URL")
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, BoundedAdapter(address, name="GitLab", variable="CI_API_V4_URL"))
        session.hooks["response"].append(self._remember)
        self._headers: dict[str, str] = {}
        self._token = token
        self._client = Gitlab(
            address.removesuffix(_API),
            private_token=token,
            session=session,
            timeout=30,
            user_agent="tfcert",
            keep_base_url=True,
        )
        self._notes = (
            self._client.projects.get(repository, lazy=True)
            .mergerequests.get(number, lazy=True)
            .notes
        )
        self._where = f"{repository}!{number}"
        self._retries = retries

    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return our notes from all pages: those whose author is the token's user."""

        def read(page: int) -> tuple[list[int], list[tuple[Comment, int]]]:
            options: dict[str, Any] = {
                "page": page + 1,
                "per_page": _PAGE,
                "order_by": "created_at",
                "sort": "asc",
            }
            notes = list(self._notes.list(iterator=False, get_all=False, max_retries=0, **options))
            ids = [_whole(note.id) for note in notes]
            return ids, [
                (_comment(note), note.author["id"])
                for note in notes
                if not note.system and candidate(note.body)
            ]

        found: list[tuple[Comment, int]] = []
        for page in pages(_PAGES, where=self._where):
            ids, candidates = self._ask(partial(read, page.number), RefusedError)
            found += candidates
            if page.is_last(ids, size=_PAGE):
                break
        viewer = self._who() if found else None
        if viewer is None:
            return [replace(comment, proven=False) for comment, _ in found]
        return [comment for comment, author in found if author == viewer]

    def create(self, body: str) -> Comment:
        """Add a note.

        If the answer to a first attempt was lost, find the note instead of writing it twice.
        """

        def settled() -> Comment | None:
            return next(iter(self.own_comments(lambda text: text.strip() == body.strip())), None)

        def create() -> Comment:
            return self._translated(
                lambda: _comment(self._notes.create({"body": body}, max_retries=0)), RefusedError
            )

        return self._retries.ask(create, settled=settled)

    def edit(self, comment: Comment, body: str) -> None:
        """Replace the body of a note."""
        self._ask(
            lambda: self._notes.update(comment.id, {"body": body}, max_retries=0), CommentGoneError
        )

    def again(self, comment: Comment) -> Comment:
        """Return the current version of a note."""
        return self._ask(
            lambda: _comment(self._notes.get(comment.id, max_retries=0)), CommentGoneError
        )

    def delete(self, comment: Comment) -> None:
        """Delete a note."""
        self._ask(lambda: self._notes.delete(comment.id, max_retries=0), CommentGoneError)

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Do nothing: GitLab cannot hide a note."""

    def show(self, comment: Comment) -> None:
        """Do nothing: GitLab never hides a note."""

    def _who(self) -> int | None:
        """Return the id of the token's user.

        None where GitLab does not return it; then every note with our marker counts as ours.
        """

        def read() -> int:
            answer: Any = self._client.http_get("/user", max_retries=0)
            return int(answer["id"])

        try:
            return self._ask(read, RefusedError)
        except (RefusedError, InvalidResponseError):
            return None

    def _remember(self, response: requests.Response, *_: object, **__: object) -> None:
        # The client's errors do not contain the requested pause.
        self._headers = {name.lower(): text for name, text in response.headers.items()}

    def _ask(self, question: Callable[[], T], absent: type[TfcertError]) -> T:
        return self._retries.ask(lambda: self._translated(question, absent))

    def _translated(self, question: Callable[[], T], absent: type[TfcertError]) -> T:
        try:
            return question()
        except GitlabParsingError:
            raise InvalidResponseError(
                "GitLab answers with text that is not JSON", where=self._where, remedy=_CHECK_URL
            ) from None
        except GitlabError as error:
            raise self._explain(error, absent) from None
        except requests.exceptions.JSONDecodeError:
            raise InvalidResponseError(
                "GitLab answers with text that is not JSON", where=self._where, remedy=_CHECK_URL
            ) from None
        except requests.RequestException as error:
            raise BusyError(f"GitLab cannot be reached: {unreached(error)}") from None
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            what = f"GitLab's answer does not fit its API: {describe_exception(error)}"
            raise InvalidResponseError(what, where=self._where, remedy=_CHECK_URL) from error

    def _explain(self, error: GitlabError, absent: type[TfcertError]) -> Exception:
        status = error.response_code or 0
        what = f"GitLab answers {status}: {quoted(str(error.error_message), self._token)}"
        if status in _TRANSIENT:
            return BusyError(what, after=self._pause())
        if status == 404:
            return absent(what, where=self._where, remedy=_REMEDY)
        if status == 403:
            return RefusedError(what, where=self._where, remedy=_REMEDY)
        if status in _REMEDIES:
            return TfcertError(what, where=self._where, remedy=_REMEDIES[status])
        return InvalidResponseError(what, where=self._where, remedy=_CHECK_URL)

    def _pause(self) -> float | None:
        after, reset = (
            whole_seconds(self._headers.get(name, ""))
            for name in ("retry-after", "ratelimit-reset")
        )
        if after is not None:
            return after
        return max(0.0, reset - time.time()) + 1 if reset is not None else None


def _comment(note: Any) -> Comment:
    if not isinstance(note.body, str):
        raise TypeError("body")
    return Comment(id=_whole(note.id), body=note.body, url=f"note {note.id}")


def _whole(found: object) -> int:
    if not isinstance(found, int):
        raise TypeError("id")
    return found
