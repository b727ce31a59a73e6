"""Which operations of AWS were called."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One request, as AWS's own log would name it.

    `service` is botocore's name (`apigateway` is v1, `apigatewayv2` the WebSocket one), `operation` the model's
    (`GetStages`); both are `Unknown` where AWS's models know no such thing. `resource` is the ARN that it names, of a
    certificate of ACM alone: API Gateway's are in the path.
    """

    service: str
    operation: str
    account: str
    region: str
    method: str
    path: str
    resource: str = "*"

    def matches(self, pattern: str) -> bool:
        """Whether a pattern names the call: an operation, `service:operation`, either with `*` in it, or `*` alone."""
        named = f"{self.service}:{self.operation}" if ":" in pattern else self.operation
        return fnmatchcase(named, pattern)

    @property
    def iam(self) -> tuple[str, str]:
        """The action and the resource that an IAM policy has to allow for the call.

        API Gateway's actions are HTTP methods, and its resources are paths, without an account and without `/v2`.
        Source: AWS's service authorization reference, "Actions, resources, and condition keys for Amazon API Gateway
        Management".
        """
        if self.service in {"apigateway", "apigatewayv2"}:
            return (
                f"apigateway:{self.method}",
                f"arn:aws:apigateway:{self.region}::{self.path.removeprefix('/v2')}",
            )
        return f"{self.service}:{self.operation}", self.resource


class CallLog:
    """The calls that came in, in order, those that a fault answered included."""

    def __init__(self) -> None:
        self._calls: list[RecordedCall] = []
        self._lock = Lock()

    def add(self, call: RecordedCall) -> None:
        """Note a call."""
        with self._lock:
            self._calls.append(call)

    def seen(self, pattern: str = "*") -> tuple[RecordedCall, ...]:
        """The calls that a pattern names, as `Call.matches` reads it."""
        with self._lock:
            return tuple(call for call in self._calls if call.matches(pattern))

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._calls.clear()
