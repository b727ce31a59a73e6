"""What can be made to go wrong, and for which operations."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import msgspec

from checker.demo.emulator.calls import RecordedCall

LONGEST_HANG = 120.0

_NEVER_DENIED = "sts:GetCallerIdentity"


class AnswerFault(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """The operation answers with an error, in the form of its service."""

    status: int
    code: str
    message: str
    retry_after: int | None = None


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """The connection is closed without an answer."""


class Hang(msgspec.Struct, frozen=True, tag="hang"):
    """The request is accepted and not answered: for so many seconds, 120 at most; then the connection is closed."""

    seconds: float = LONGEST_HANG


class ProxyPage(msgspec.Struct, frozen=True, tag="page"):
    """Something on the way answers in AWS's place, with a page of HTML.

    With status 200 boto3 takes it for an answer that lists nothing: its JSON parser keeps what it cannot read as a message.
    """

    status: int = 200


Fault = AnswerFault | Drop | Hang | ProxyPage


def access_denied() -> AnswerFault:
    """403: the caller's policies do not allow the operation. The message names the call, where it is left empty."""
    return AnswerFault(status=403, code="AccessDeniedException", message="")


def throttled() -> AnswerFault:
    """429: more calls than the account and region may make."""
    return AnswerFault(
        status=429, code="TooManyRequestsException", message="Too Many Requests", retry_after=1
    )


def unavailable(status: int = 503) -> AnswerFault:
    """5xx: AWS is not well."""
    code = "ServiceUnavailableException" if status == 503 else "InternalFailure"
    return AnswerFault(
        status=status, code=code, message="The service is unavailable, please try again later"
    )


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and the calls that it is for: `times` of them, None for all, after `after` that pass unharmed.

    It is for one account or region alone, where they are given.
    """

    operation: str
    fault: Fault
    times: int | None = None
    after: int = 0
    account: str | None = None
    region: str | None = None

    def is_for(self, call: RecordedCall) -> bool:
        """Whether a call is one of those."""
        here = self.account in {None, call.account} and self.region in {None, call.region}
        return here and call.matches(self.operation)


@dataclass(slots=True)
class _Armed:
    injection: Injection
    met: int = 0


class Faults:
    """The faults that are set; of several that fit a call, the one that was set first has it."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._allowed: tuple[str, ...] | None = None
        self._lock = Lock()

    def inject(self, operation: str, fault: Fault, **which: Any) -> None:
        """Let the calls that a pattern names go wrong: `times` of them (None: for ever), after `after` good ones.

        The pattern is an operation (`GetClientCertificates`), `service:operation`, or either with `*`; `account` and `region`
        narrow it further.
        """
        self.add(Injection(operation=operation, fault=fault, **which))

    def add(self, injection: Injection) -> None:
        """Set a fault."""
        with self._lock:
            self._armed.append(_Armed(injection))

    def allow_only(self, *operations: str) -> None:
        """Deny every operation that none of these patterns names.

        GetCallerIdentity passes, as in AWS, where it needs no permission and none can take it away. Source: AWS's STS
        reference, "GetCallerIdentity".
        """
        self._allowed = operations

    def clear(self) -> None:
        """Let everything go well."""
        with self._lock:
            self._armed.clear()
            self._allowed = None

    def set(self) -> tuple[Injection, ...]:
        """The faults that are set, spent ones included."""
        with self._lock:
            return tuple(armed.injection for armed in self._armed)

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """The patterns of the only operations that are not denied; None where none is."""
        return self._allowed

    def meet(self, call: RecordedCall) -> Fault | None:
        """The fault that this call gets, and count it."""
        allowed = self._allowed
        if allowed is not None and not any(
            call.matches(pattern) for pattern in (*allowed, _NEVER_DENIED)
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
