"""GitHub's API through its client library: bounded patience, and errors as what they mean for a comment.

Sources: GitHub's REST API, "Rate limits for the REST API"; its GraphQL reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
from github import Auth, BadAttributeException, Github, GithubException
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from checker.domain.errors import TfcertError
from checker.forges.conversation import OddAnswerError, RefusedError, VanishedError, oddness
from checker.forges.patience import BusyError, RetryPolicy
from checker.forges.transport import BoundedAdapter, check_address, unreached

T = TypeVar("T")
PAGE = 100
_SECONDARY = 60.0
_REMEDIES = {401: "GITHUB_TOKEN is not, or no longer, valid", 422: "`--dry-run` shows what it was given"}
_TRANSIENT = frozenset({500, 502, 503, 504})
_ODD = (AssertionError, AttributeError, BadAttributeException, LookupError, RuntimeError, TypeError, ValueError)
_VARIABLE = "GITHUB_API_URL"
_ODD_ANSWER = "is GITHUB_API_URL that of its REST API?"
_REMEDY = "give the job `permissions: pull-requests: write`; for pull requests from forks see docs/bot.md"


class _Http(HTTPRequestsConnectionClass):
    """A connection of GitHub's client whose requests and answers are bounded."""

    def __init__(self, host: str, port: int | None = None, **more: Any) -> None:
        super().__init__(host, port, **more)
        self.session.mount(
            "http://", BoundedAdapter(f"http://{_bracketed(host)}:{self.port}", name="GitHub", variable="GITHUB_API_URL")
        )


class _Https(HTTPSRequestsConnectionClass):
    """The same over TLS."""

    def __init__(self, host: str, port: int | None = None, **more: Any) -> None:
        super().__init__(host, port, **more)
        self.session.mount(
            "https://", BoundedAdapter(f"https://{_bracketed(host)}:{self.port}", name="GitHub", variable="GITHUB_API_URL")
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class GithubClient:
    """A token's view of one GitHub; `base_url` is that of the REST API, which GitHub Actions has in GITHUB_API_URL."""

    def __init__(self, *, base_url: str, token: str, patience: RetryPolicy) -> None:
        address = check_address(base_url, variable=_VARIABLE)
        # The client has no other way in for an adapter than its connections, which it makes of the classes of that moment.
        Requester.injectConnectionClasses(_Http, _Https)
        # It waits and tries again by itself, and so do we: only one of us should, and ours is bounded.
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
        self.patience = patience

    def ask(self, question: Callable[[], T], *, where: str, absent: type[TfcertError] = RefusedError) -> T:
        """Ask with patience; `absent` is what a 404 means."""
        return self.patience.ask(lambda: self.once(question, where=where, absent=absent))

    def once(self, question: Callable[[], T], *, where: str, absent: type[TfcertError] = RefusedError) -> T:
        """Ask once; raises BusyError where it is worth asking again."""
        try:
            return question()
        except GithubException as error:
            raise _meant(error, where, absent) from None  # it holds what was sent, and that is nobody's business
        except requests.exceptions.JSONDecodeError:
            raise OddAnswerError("GitHub answers with text that is no JSON", where=where, remedy=_ODD_ANSWER) from None
        except requests.RequestException as error:
            raise BusyError(f"GitHub is not reached: {unreached(error)}") from None
        except _ODD as error:
            # The client takes whatever is answered with success for what it asked for.
            what = f"GitHub answers what its API does not have: {oddness(error)}"
            raise OddAnswerError(what, where=where, remedy=_ODD_ANSWER) from error


def _meant(error: GithubException, where: str, absent: type[TfcertError]) -> Exception:
    what = f"GitHub answers {error.status}: {_message(error.data)}"
    headers = {name.lower(): text for name, text in (error.headers or {}).items()}
    pause = _pause(error.status, what, headers)
    if pause is not None or error.status in _TRANSIENT:
        return BusyError(what, after=pause)
    if _names(error.data, "NOT_FOUND"):
        return VanishedError(what, where=where, remedy=_REMEDY)
    if error.status == 404:
        return absent(what, where=where, remedy=_REMEDY)
    if error.status == 403 or _names(error.data, "FORBIDDEN"):
        return RefusedError(what, where=where, remedy=_REMEDY)
    if error.status in _REMEDIES:
        return TfcertError(what, where=where, remedy=_REMEDIES[error.status])
    return OddAnswerError(what, where=where, remedy=_ODD_ANSWER)


def _errors(data: Any) -> list[Any]:
    found = data.get("errors") if isinstance(data, dict) else None
    return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []


def _names(data: Any, kind: str) -> bool:
    """Whether GraphQL's errors are of a kind."""
    return any(error.get("type") == kind for error in _errors(data))


def _message(data: Any) -> str:
    texts = [error.get("message") for error in (data, *_errors(data)) if isinstance(error, dict)]
    return next((text for text in texts if isinstance(text, str)), "no reason given")


def _pause(status: int, what: str, headers: Mapping[str, Any]) -> float | None:
    """The pause that GitHub asks for, in seconds; None where it is about no limit.

    Source: GitHub's "Rate limits for the REST API": `retry-after`, else until `x-ratelimit-reset` where nothing remains, else a
    minute. GraphQL answers 200 with an error in it, which the client tells as 400.
    """
    if status not in {400, 403, 429}:
        return None
    after = str(headers.get("retry-after", ""))
    if after.isdigit():
        return float(after)
    reset = str(headers.get("x-ratelimit-reset", ""))
    if str(headers.get("x-ratelimit-remaining")) == "0" and reset.isdigit():
        return max(0.0, int(reset) - time.time()) + 1
    return _SECONDARY if status == 429 or "rate limit" in what.lower() else None
