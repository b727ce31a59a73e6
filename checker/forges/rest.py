"""The requests of a REST API that has no client of its own here: one origin, bounded, as JSON."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import requests
from msgspec import Struct
from msgspec.structs import replace

from checker.errors import TfcertError
from checker.forges.comment import (
    Comment,
    InvalidResponseError,
    RefusedError,
    describe_exception,
)
from checker.forges.retry import BusyError, RetryPolicy, whole_seconds
from checker.forges.transport import ALL_ANSWERS, BoundedAdapter, check_address, quoted, unreached

T = TypeVar("T")
_TRANSIENT = frozenset({409, 429, 500, 502, 503, 504})
_SHOW_TEXT = "run with `--dry-run` to see the text that was sent"


class ForgeNames(Struct, frozen=True, kw_only=True):
    """What messages call a forge: its name, the variables of its address and token, the remedy."""

    forge: str
    address: str
    token: str
    remedy: str


class RestClient:
    """A forge's REST API below one address.

    `authorization` is the value of `header`; it is sent to the origin of `base_url` alone.
    `seconds` is the time limit for all answers together.
    """

    def __init__(
        self,
        base_url: str,
        *,
        authorization: str,
        names: ForgeNames,
        where: str,
        seconds: float = ALL_ANSWERS,
        header: str = "Authorization",
    ) -> None:
        self._base = check_address(base_url, variable=names.address)
        self._names = names
        self._where = where
        # Without the word Bearer or Basic before it.
        self._secret = authorization.rpartition(" ")[2]
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(
                scheme,
                BoundedAdapter(
                    self._base, name=names.forge, variable=names.address, seconds=seconds
                ),
            )
        self._session.auth = _Header(header, authorization)
        self._session.headers.update(
            {
                "Accept": "application/json",
                "User-Agent": "tfcert",
                # Azure DevOps then answers 401 to a token that is not valid, not its sign-in page.
                "X-TFS-FedAuthRedirect": "Suppress",
            }
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        absent: type[TfcertError] = RefusedError,
    ) -> Any:
        """Send one request, and return the decoded answer; None for an answer without a body.

        Raises `absent` for 404, RefusedError for 403, BusyError where a retry may help, and
        another TfcertError otherwise.
        """
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            answer = self._session.request(
                method, f"{self._base}{path}", params=query, data=data, headers=headers
            )
        except requests.RequestException as error:
            raise BusyError(f"{self._names.forge} cannot be reached: {unreached(error)}") from None
        # 203: Azure DevOps answers a request without a valid token with its sign-in page.
        if not answer.ok or answer.status_code == 203 or answer.is_redirect:
            raise self._explain(answer, absent)
        if not answer.content:
            return None
        try:
            return answer.json()
        except (ValueError, RecursionError):
            # Not JSON, or with a number of thousands of digits.
            raise self.invalid("it is not JSON that can be read") from None

    def invalid(self, why: str) -> InvalidResponseError:
        """Return the error for an answer that does not fit the API."""
        return InvalidResponseError(
            f"{self._names.forge}'s answer does not fit its API: {why}",
            where=self._where,
            remedy=f"is {self._names.address} that of its REST API?",
        )

    def _explain(self, answer: requests.Response, absent: type[TfcertError]) -> Exception:
        status = answer.status_code
        said = quoted(_message(answer), self._secret)
        what = f"{self._names.forge} answers {status}{f': {said}' if said else ''}"
        if status in _TRANSIENT:
            after = answer.headers.get("Retry-After", "")
            return BusyError(what, after=whole_seconds(after))
        if status == 404:
            return absent(what, where=self._where, remedy=self._names.remedy)
        if status == 403:
            return RefusedError(what, where=self._where, remedy=self._names.remedy)
        if status in (203, 401):
            remedy = f"{self._names.token} is invalid or has expired"
            return TfcertError(what, where=self._where, remedy=remedy)
        if status in (400, 413, 422):
            return TfcertError(what, where=self._where, remedy=_SHOW_TEXT)
        return self.invalid(f"its status is {status}")


class RestConversation(ABC):
    """The common part of both forges: retries, the comments that count, a lost answer."""

    def __init__(self, client: RestClient, *, where: str, retries: RetryPolicy) -> None:
        self._client = client
        self._where = where
        self._retries = retries

    @abstractmethod
    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return the candidates that this token wrote, the oldest first."""

    @abstractmethod
    def _write(self, body: str) -> Comment:
        """Send a new comment once."""

    @abstractmethod
    def _viewer(self) -> str:
        """Ask for the id of the token's user."""

    def create(self, body: str) -> Comment:
        """Add a comment.

        If the answer to a first attempt was lost, find the comment instead of writing it twice.
        """

        def settled() -> Comment | None:
            return next(iter(self.own_comments(lambda text: text.strip() == body.strip())), None)

        return self._retries.ask(lambda: self._read(lambda: self._write(body)), settled=settled)

    def _own(self, found: Sequence[tuple[Comment, str]]) -> list[Comment]:
        """Return the comments of the token's user, out of comments with their authors.

        If the forge does not say who the user is, all of them, as not proven.
        """
        if not found:
            return []
        try:
            viewer = self._ask(self._viewer)
        except (RefusedError, InvalidResponseError):
            return [replace(comment, proven=False) for comment, _ in found]
        return [comment for comment, author in found if author == viewer]

    def _ask(self, question: Callable[[], T]) -> T:
        return self._retries.ask(lambda: self._read(question))

    def _read(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._client.invalid(describe_exception(error)) from error


def _message(answer: requests.Response) -> str:
    """Return what an error says of itself: `message`, or `message` of `error`."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return ""
    for entry in (found, found.get("error") if isinstance(found, dict) else None):
        if isinstance(entry, dict) and isinstance(entry.get("message"), str):
            return str(entry["message"])
    return ""


class _Header(requests.auth.AuthBase):
    """Set the header with the token; with it, requests does not read a .netrc."""

    def __init__(self, name: str, authorization: str) -> None:
        self._name = name
        self._authorization = authorization

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._name] = self._authorization
        return request


def basic(user: str, secret: str) -> str:
    """Return the value of a Basic Authorization header (RFC 7617)."""
    return f"Basic {b64encode(f'{user}:{secret}'.encode()).decode()}"
