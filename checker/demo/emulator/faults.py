"""Faults to inject, and the operations that they apply to."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import msgspec

from checker.demo.emulator.calls import RecordedCall

LONGEST_HANG = 120.0

# The second is signed by AWS, not by the caller.
_NEVER_DENIED = ("sts:GetCallerIdentity", "presigned:*")


class AnswerFault(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """The operation returns an error, in the form of its service."""

    status: int
    code: str
    message: str
    retry_after: int | None = None


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """The connection is closed without an answer."""


class Hang(msgspec.Struct, frozen=True, tag="hang"):
    """The request gets no answer; the connection is closed after some seconds, 120 at most."""

    seconds: float = LONGEST_HANG


class ProxyPage(msgspec.Struct, frozen=True, tag="page"):
    """A proxy answers instead of AWS, with an HTML page.

    With status 200, boto3 reads it as an answer with an empty list: its JSON parser keeps an
    unreadable body as a message.
    """

    status: int = 200


Fault = AnswerFault | Drop | Hang | ProxyPage


def access_denied() -> AnswerFault:
    """Return a 403: the caller's policies do not allow the operation.

    An empty message is replaced by one that names the call.
    """
    return AnswerFault(status=403, code="AccessDeniedException", message="")


def throttled() -> AnswerFault:
    """Return a 429: more calls than the account and region may make."""
    return AnswerFault(
        status=429, code="TooManyRequestsException", message="Too Many Requests", retry_after=1
    )


def unavailable(status: int = 503) -> AnswerFault:
    """Return a 5xx: AWS is unavailable."""
    code = "ServiceUnavailableException" if status == 503 else "InternalFailure"
    return AnswerFault(
        status=status, code=code, message="The service is unavailable, please try again later"
    )


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and the calls that get it: `times` of them, after `after` calls without the fault.

    None for `times` means all calls. An account and a region limit it further, if they are given.
    """

    operation: str
    fault: Fault
    times: int | None = None
    after: int = 0
    account: str | None = None
    region: str | None = None

    def is_for(self, call: RecordedCall) -> bool:
        """Return whether a call matches, without counting it."""
        here = self.account in {None, call.account} and self.region in {None, call.region}
        return here and call.matches(self.operation)


@dataclass(slots=True)
class _Armed:
    injection: Injection
    met: int = 0


class Faults:
    """The faults of an emulator; if several match a call, the one that was added first applies."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._allowed: tuple[str, ...] | None = None
        self._lock = Lock()

    def inject(self, operation: str, fault: Fault, **which: Any) -> None:
        """Inject a fault into the calls that match a pattern.

        It applies to `times` calls (None: always), after `after` calls without the fault. The
        pattern is an operation (`GetClientCertificates`), `service:operation`, or either with `*`;
        `account` and `region` limit it further.
        """
        self.add(Injection(operation=operation, fault=fault, **which))

    def add(self, injection: Injection) -> None:
        """Add a fault."""
        with self._lock:
            self._armed.append(_Armed(injection))

    def allow_only(self, *operations: str) -> None:
        """Deny every operation that matches none of these patterns.

        GetCallerIdentity is always allowed: in AWS it needs no permission, and no policy can deny
        it. Source: AWS's STS reference, "GetCallerIdentity". So are presigned URLs.
        """
        self._allowed = operations

    def clear(self) -> None:
        """Remove all faults and denials."""
        with self._lock:
            self._armed.clear()
            self._allowed = None

    def set(self) -> tuple[Injection, ...]:
        """Return the faults that were added, used-up ones included."""
        with self._lock:
            return tuple(armed.injection for armed in self._armed)

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """Return the patterns of the only allowed operations; None if all are allowed."""
        return self._allowed

    def meet(self, call: RecordedCall) -> Fault | None:
        """Return the fault for this call, and count it."""
        allowed = self._allowed
        if allowed is not None and not any(
            call.matches(pattern) for pattern in (*allowed, *_NEVER_DENIED)
        ):
            return access_denied()
        with self._lock:
            for armed in self._armed:
                if not armed.injection.is_for(call):
                    continue
                armed.met += 1
                past = armed.met - armed.injection.after
                if past > 0 and (armed.injection.times is None or past <= armed.injection.times):
                    return armed.injection.fault
        return None
