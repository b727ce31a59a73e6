"""Counts of the AWS requests of a run: sent, retried and throttled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

from checker.aws.connection import Role
from checker.model.observation import Calls

if TYPE_CHECKING:
    import boto3

_THROTTLED = 429
# Error codes of services that do not answer with 429 (STS: 400).
# Source: botocore's list of throttling codes.
_NAMES = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
)

_Key = tuple[str, Role | None, str]


class Traffic:
    """The counts of a run's requests, by operation, credentials and region; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sent: Counter[_Key] = Counter()
        self._again: Counter[_Key] = Counter()
        self._throttled: Counter[_Key] = Counter()
        self._own_account: str | None = None
        self._of_session: list[tuple[str, Callable[..., None]]] = []

    def belongs_to(self, account: str) -> None:
        """Set the account of the run's own credentials, once STS has returned it."""
        self._own_account = account

    def watch_session(self, session: boto3.Session, region: str) -> None:
        """Count the requests that boto3 sends to load credentials, such as the role of a profile.

        boto3 sends them with internal clients.
        """
        for event, handler in self._handlers(None, region):
            session.events.register(event, handler)
            self._of_session.append((event, handler))

    def watch(self, client: Any, role: Role | None, region: str) -> None:
        """Count every request of a client.

        These handlers replace the session's handlers, which the client has inherited.
        """
        for event, handler in self._of_session:
            client.meta.events.unregister(event, handler)
        for event, handler in self._handlers(role, region):
            client.meta.events.register(event, handler)

    def _handlers(
        self, role: Role | None, region: str
    ) -> tuple[tuple[str, Callable[..., None]], ...]:
        """Return the handlers of botocore's events `before-send` and `needs-retry`.

        botocore sends each of them once per attempt.
        """

        def key(event_name: str) -> _Key:
            return event_name.rpartition(".")[2], role, region

        def sent(event_name: str, **_: Any) -> None:
            with self._lock:
                self._sent[key(event_name)] += 1

        def answered(event_name: str, response: Any, attempts: int, **_: Any) -> None:
            with self._lock:
                if attempts > 1:
                    self._again[key(event_name)] += 1
                if _was_throttled(response):
                    self._throttled[key(event_name)] += 1

        return (("before-send", sent), ("needs-retry", answered))

    def counted(self) -> tuple[Calls, ...]:
        """Return the requests sent so far, sorted by operation, account and region."""
        with self._lock:
            entries = [
                Calls(
                    operation=operation,
                    account=role.account if role is not None else self._own_account,
                    region=region,
                    sent=count,
                    again=self._again[operation, role, region],
                    throttled=self._throttled[operation, role, region],
                )
                for (operation, role, region), count in self._sent.items()
            ]
        return tuple(
            sorted(entries, key=lambda entry: (entry.operation, entry.account or "", entry.region))
        )


def _was_throttled(response: Any) -> bool:
    """Return whether an attempt was throttled.

    `response` is a pair of the HTTP response and its parsed body.
    """
    if response is None:
        return False
    http, read = response
    error = read.get("Error") if isinstance(read, dict) else None
    return http.status_code == _THROTTLED or (
        isinstance(error, dict) and error.get("Code") in _NAMES
    )
