"""Which operations of AWS were called."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

from checker.demo.emulator.errors import BadRequestError


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
            return f"apigateway:{self.method}", f"arn:aws:apigateway:{self.region}::{self.path.removeprefix('/v2')}"
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


DEFAULT_LIMIT = 25
MAXIMUM_LIMIT = 500


def page(items: Mapping[str, Any], *, limit: str | None, position: str | None) -> tuple[list[Any], str | None]:
    """The items after a position, in the order of their ids, and the position of what follows; None on the last page.

    A position names the last item that was given, so pages stay right while items come and go. Which order AWS lists in,
    and what it answers to a limit that it does not accept, is not documented; here the latter is a BadRequest.
    Source: botocore's `apigateway` 2015-07-09, "the default value is 25 and the maximum value is 500".
    """
    size = _size(limit)
    after = _last(position)
    following = sorted(key for key in items if key > after)
    shown = following[:size]
    return [items[key] for key in shown], _position(shown[-1]) if len(following) > size else None


def _size(limit: str | None) -> int:
    if limit is None:
        return DEFAULT_LIMIT
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MAXIMUM_LIMIT:
        raise BadRequestError(f"Invalid limit {limit!r}: a whole number from 1 to {MAXIMUM_LIMIT} is expected")
    return int(limit)


def _position(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode("ascii")


def _last(position: str | None) -> str:
    if position is None:
        return ""
    try:
        return b64decode(position.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise BadRequestError(f"Invalid position {position!r}") from error
