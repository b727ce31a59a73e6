"""JSON calls to a forge's REST API, with retries, pauses that it asks for, and a dry run.

Sources: GitHub, "Rate limits for the REST API"; GitLab, "Rate limits" and "REST API
troubleshooting" (status codes).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import requests

from checker.errors import TfcertError
from checker.forges.comment import RefusedError, describe_exception
from checker.forges.proposals.forge import OutrunError, Remark
from checker.forges.rest import ForgeNames, RestClient
from checker.forges.retry import BusyError, RetryPolicy, whole_seconds

T = TypeVar("T")
PAGE = 100
# A run of a large repository makes some thousand calls.
_ALL_SECONDS = 1800.0
_SECONDARY = 60.0
# Requests of 400 days; a repository with more is not read by a run.
_PAGES = 300
# GitHub answers 422 and GitLab 400, 409 or 412 to a change that another run or a person has made.
_CONFLICTS = frozenset({400, 405, 409, 412, 422})
_TRANSIENT = frozenset({500, 502, 503, 504})
# What a dry run takes as the answer to each change.
_PRETENCE: Mapping[str, Any] = {
    "sha": "0" * 40,
    "id": "0" * 40,
    "number": 0,
    "iid": 0,
    "html_url": "a new request",
    "web_url": "a new request",
    "title": "",
    "body": "",
    "description": "",
    "state": "open",
    "created_at": "2000-01-01T00:00:00Z",
    "data": {"updateRefs": {}},
}


class AbsentError(TfcertError):
    """The forge does not know the object, or the token may not see it."""


class ProposalClient(RestClient):
    """The calls of `tfcert propose`.

    With `recorded`, a call that changes something is added to it, and is not sent.
    """

    def __init__(
        self,
        base_url: str,
        *,
        authorization: str,
        names: ForgeNames,
        where: str,
        retries: RetryPolicy,
        recorded: Callable[[str], None] | None = None,
        header: str = "Authorization",
    ) -> None:
        super().__init__(
            base_url,
            authorization=authorization,
            names=names,
            where=where,
            seconds=_ALL_SECONDS,
            header=header,
        )
        self.retries = retries
        self._recorded = recorded
        self._forge = names.forge

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Read an object; raises AbsentError if there is none."""
        return self.retries.ask(lambda: self.send("GET", path, query=query, absent=AbsentError))

    def read(self, question: Callable[[Any], T], path: str, **query: str) -> T:
        """Read an object and take values from it; raises InvalidResponseError if they are not."""
        return self.checked(partial(question, self.get(path, query or None)))

    def pages(self, path: str, **query: str) -> Iterator[Sequence[Any]]:
        """Yield the pages of a list until a short one; raises TfcertError for too many."""
        for number in range(1, _PAGES + 1):
            page = self.get(path, {**query, "per_page": str(PAGE), "page": str(number)})
            if not isinstance(page, list):
                raise self.invalid("a list is not a list")
            yield page
            if len(page) < PAGE:
                return
        raise TfcertError(
            f"{self._forge} lists more than {_PAGES * PAGE} entries",
            where=path,
            remedy="tell us: a run does not read more",
        )

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, object],
        *,
        settled: Callable[[], Any | None] = lambda: None,
    ) -> Any:
        """Change something, or record the call in a dry run.

        `settled` checks before each repetition whether the call that failed had an effect.
        """
        if self._recorded is not None:
            shown = json.dumps(body, ensure_ascii=False, indent=2)
            self._recorded(f"{method} {path}\n{shown}")
            return dict(_PRETENCE)
        return self.retries.ask(
            lambda: self.send(method, path, body=body, absent=AbsentError), settled=settled
        )

    def comment_once(self, path: str, remark: Remark, body_of: Callable[[Any], str]) -> bool:
        """Add a comment to the list at a path, unless it is there; return whether it is new.

        `body_of` takes the body from a comment of the list.
        """

        def has_it(page: Sequence[Any]) -> bool:
            return any(body_of(each).startswith(remark.line) for each in page)

        def there() -> bool | None:
            for page in self.pages(path):
                if self.checked(partial(has_it, page)):
                    return True
            return None

        if there():
            return False
        self.write("POST", path, {"body": remark.body}, settled=there)
        return True

    def checked(self, question: Callable[[], T]) -> T:
        """Take values from an answer; raises InvalidResponseError if it has another form."""
        try:
            return question()
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise self.invalid(describe_exception(error)) from error

    def _explain(self, answer: requests.Response, absent: type[TfcertError]) -> Exception:
        status = answer.status_code
        error = super()._explain(answer, absent)
        if isinstance(error, BusyError) and status != 409:
            return BusyError(error.reason, after=error.after or _pause(answer, error.reason))
        if status in {403, 429}:
            pause = _pause(answer, str(error))
            if pause is not None:
                return BusyError(f"{self._forge} answers {status}: a rate limit", after=pause)
        if status in _CONFLICTS:
            what = error.reason if isinstance(error, BusyError) else str(error)
            return OutrunError(what)
        return error


def text(found: object) -> str:
    """Return a text of an answer; raises TypeError for another value."""
    if not isinstance(found, str):
        raise TypeError("text")
    return found


def number(found: object) -> int:
    """Return a number of an answer; raises TypeError for another value."""
    if not isinstance(found, int):
        raise TypeError("number")
    return found


def _pause(answer: requests.Response, what: str) -> float | None:
    """Return the pause that the forge asks for; None if the error is not about a limit.

    GitHub sends retry-after, or x-ratelimit-reset where nothing remains, or asks for a minute;
    GitLab sends Retry-After and RateLimit-Reset.
    """
    headers = answer.headers
    after = headers.get("Retry-After", "")
    if (seconds := whole_seconds(after)) is not None:
        return seconds
    for remaining, reset in (
        ("X-RateLimit-Remaining", "X-RateLimit-Reset"),
        ("RateLimit-Remaining", "RateLimit-Reset"),
    ):
        at = whole_seconds(headers.get(reset, ""))
        if headers.get(remaining) == "0" and at is not None:
            return max(0.0, at - time.time()) + 1
    limited = answer.status_code == 429 or "rate limit" in what.lower()
    return _SECONDARY if limited and answer.status_code in {403, 429} else None


def refused(error: TfcertError) -> bool:
    """Return whether the token may not do something, or an object is not there for it."""
    return isinstance(error, (RefusedError, AbsentError))
