"""The notes of a merge request on GitLab, on gitlab.com or one's own. Source: GitLab's REST API, "Notes" and "Rate limits"."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabError

from checker.domain.errors import TfcertError
from checker.forges.conversation import Comment, RefusedError, VanishedError, Why
from checker.forges.patience import BusyError, Patience

T = TypeVar("T")
_PAGE, _PAGES = 100, 500
_API = "/api/v4"
_REMEDY = "GITLAB_TOKEN must be an access token with the scope `api`, of a member who may comment; docs/bot.md"


class GitlabConversation:
    """The notes of one merge request; `base_url` is that of the REST API, which GitLab CI has in CI_API_V4_URL."""

    def __init__(self, *, base_url: str, token: str, repository: str, number: int, patience: Patience) -> None:
        session = requests.Session()
        session.hooks["response"].append(self._remember)
        self._headers: dict[str, str] = {}
        self._client = Gitlab(
            base_url.rstrip("/").removesuffix(_API),
            private_token=token,
            session=session,
            timeout=30,
            user_agent="tfcert",
            keep_base_url=True,
        )
        self._notes = self._client.projects.get(repository, lazy=True).mergerequests.get(number, lazy=True).notes
        self._where = f"{repository}!{number}"
        self._patience = patience
        self._viewer: int | None = None

    def ours(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Page through all notes; ours are those whose author is the token's own user."""
        found: list[Any] = []
        for page in range(1, _PAGES + 1):
            notes = self._ask(partial(self._page, page), RefusedError)
            found += (note for note in notes if not note.system and candidate(note.body))
            if len(notes) < _PAGE:
                break
        return [_comment(note) for note in found if note.author["id"] == self._who()]

    def create(self, body: str) -> Comment:
        """Add a note; one that was heard although the answer was lost is found, not written twice."""

        def settled() -> Comment | None:
            return next(iter(self.ours(lambda text: text.strip() == body.strip())), None)

        def create() -> Comment:
            return _comment(self._translated(lambda: self._notes.create({"body": body}, max_retries=0), RefusedError))

        return self._patience.ask(create, settled=settled)

    def edit(self, comment: Comment, body: str) -> None:
        """Give a note another body."""
        self._ask(lambda: self._notes.update(comment.id, {"body": body}, max_retries=0), VanishedError)

    def delete(self, comment: Comment) -> None:
        """Take a note away."""
        self._ask(lambda: self._notes.delete(comment.id, max_retries=0), VanishedError)

    def hide(self, comment: Comment, why: Why) -> None:
        """Do nothing: GitLab folds no note away."""

    def show(self, comment: Comment) -> None:
        """Do nothing: no note is ever folded away."""

    def _page(self, page: int) -> list[Any]:
        listed = self._notes.list(page=page, per_page=_PAGE, order_by="created_at", sort="asc", get_all=False, max_retries=0)
        return list(listed)

    def _who(self) -> int:
        if self._viewer is None:
            self._viewer = int(self._ask(lambda: self._client.http_get("/user", max_retries=0), RefusedError)["id"])  # type: ignore[index]
        return self._viewer

    def _remember(self, response: requests.Response, *_: object, **__: object) -> None:
        # The client's errors do not say for how long one is asked to wait.
        self._headers = {name.lower(): text for name, text in response.headers.items()}

    def _ask(self, question: Callable[[], T], absent: type[TfcertError]) -> T:
        return self._patience.ask(lambda: self._translated(question, absent))

    def _translated(self, question: Callable[[], T], absent: type[TfcertError]) -> T:
        try:
            return question()
        except GitlabError as error:
            raise self._meant(error, absent) from None
        except requests.RequestException as error:
            raise BusyError(f"GitLab is not reached: {type(error).__name__}") from None

    def _meant(self, error: GitlabError, absent: type[TfcertError]) -> Exception:
        status = error.response_code or 0
        what = f"GitLab answers {status}: {error.error_message}"
        if status in {409, 429} or status >= 500:
            return BusyError(what, after=self._pause())
        if status == 404:
            return absent(what, where=self._where, remedy=_REMEDY)
        if status == 403:
            return RefusedError(what, where=self._where, remedy=_REMEDY)
        if status == 401:
            return TfcertError(what, where=self._where, remedy="GITLAB_TOKEN is not, or no longer, valid")
        return TfcertError(what, where=self._where, remedy="please report this")

    def _pause(self) -> float | None:
        after, reset = self._headers.get("retry-after", ""), self._headers.get("ratelimit-reset", "")
        if after.isdigit():
            return float(after)
        return max(0.0, int(reset) - time.time()) + 1 if reset.isdigit() else None


def _comment(note: Any) -> Comment:
    return Comment(id=note.id, body=note.body, url=f"note {note.id}")
