"""The answers to changes, for a caller that sends the same attempt again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

# Both SDKs send it, and it is the same for all attempts of one call. Source: the AWS SDKs and Tools
# reference, "Retry behavior".
_INVOCATION = "HTTP_AMZ_SDK_INVOCATION_ID"
_PATIENCE = 60.0

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def give(self, start: Start) -> Iterable[bytes]:
        start(self.status, list(self.headers))
        return [self.body]


@dataclass(slots=True)
class Repeats:
    """The answers to the changes that succeeded, by the id of the SDK's call.

    An SDK sends a request again if it does not get the answer, for example because a busy machine
    broke the connection. The change was made all the same, so a second attempt to create a stage
    would fail with "already exists". The second attempt gets the first answer instead. A read is
    answered again; `has_served` keeps it out of the log of calls.
    """

    _answers: dict[str, _Answer] = field(default_factory=dict)
    _served: set[str] = field(default_factory=set)
    _running: set[str] = field(default_factory=set)
    _changed: Condition = field(default_factory=Condition)

    def serve(self, application: Application, environ: Environ, start: Start) -> Iterable[bytes]:
        """Let an application answer a request, once for each call that changes something."""
        call = environ.get(_INVOCATION, "")
        self._served.add(call)
        if not call or environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            return application(environ, start)
        with self._changed:
            self._changed.wait_for(lambda: call not in self._running, _PATIENCE)
            known = self._answers.get(call)
            if known is None:
                self._running.add(call)
        if known is not None:
            return known.give(start)
        try:
            answer = _answer_of(application, environ)
            if answer.status.startswith("2"):
                self._answers[call] = answer
        finally:
            with self._changed:
                self._running.discard(call)
                self._changed.notify_all()
        return answer.give(start)

    def has_served(self, environ: Environ) -> bool:
        """Return whether a request is another attempt of a call that an application has served."""
        call = environ.get(_INVOCATION, "")
        return call != "" and call in self._served

    def clear(self) -> None:
        """Delete all answers."""
        self._answers.clear()
        self._served.clear()


def _answer_of(application: Application, environ: Environ) -> _Answer:
    begun: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        begun[:] = [(status, headers)]
        return written.append

    parts = application(environ, start)
    try:
        written.extend(parts)
    finally:
        with suppress(AttributeError):
            parts.close()  # type: ignore[attr-defined]  # only some WSGI answers have it
    status, headers = begun[0]
    return _Answer(status, tuple(headers), b"".join(written))
