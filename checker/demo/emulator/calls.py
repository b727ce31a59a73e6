"""The log of the calls of AWS operations."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock

# S3 operations that need `s3:ListBucket`.
_LISTS = frozenset({"HeadBucket", "ListObjects", "ListObjectsV2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One request, with the names of AWS's own log.

    `service` is botocore's name (`apigateway` is v1, `apigatewayv2` is v2), `operation` the model's
    name (`GetStages`); both are `Unknown` if AWS's models do not have them. `resource` is the ARN
    of the request for the services that hold certificates and trust material, else `*`: API
    Gateway's resources are in the path. The service of a presigned URL is `presigned`.
    """

    service: str
    operation: str
    account: str
    region: str
    method: str
    path: str
    resource: str = "*"

    def matches(self, pattern: str) -> bool:
        """Return whether a pattern matches the call.

        A pattern is an operation or `service:operation`, either with `*` in it, or `*` alone.
        """
        named = f"{self.service}:{self.operation}" if ":" in pattern else self.operation
        return fnmatchcase(named, pattern)

    @property
    def iam(self) -> tuple[str, str]:
        """Return the action and the resource that an IAM policy has to allow for the call.

        API Gateway's actions are HTTP methods, and its resources are paths, without an account and
        without `/v2`. Source: AWS's service authorization reference, "Actions, resources, and
        condition keys for Amazon API Gateway Management"; S3 user guide, "Required permissions for
        Amazon S3 API operations".
        """
        if self.service in {"apigateway", "apigatewayv2"}:
            return (
                f"apigateway:{self.method}",
                f"arn:aws:apigateway:{self.region}::{self.path.removeprefix('/v2')}",
            )
        if self.service == "s3" and self.operation in _LISTS:
            return "s3:ListBucket", self.resource
        return f"{self.service}:{self.operation}", self.resource


class CallLog:
    """The received calls, in order, with those that a fault answered."""

    def __init__(self) -> None:
        self._calls: list[RecordedCall] = []
        self._lock = Lock()

    def add(self, call: RecordedCall) -> None:
        """Add a call."""
        with self._lock:
            self._calls.append(call)

    def seen(self, pattern: str = "*") -> tuple[RecordedCall, ...]:
        """Return the calls that match a pattern, as in `RecordedCall.matches`."""
        with self._lock:
            return tuple(call for call in self._calls if call.matches(pattern))

    def clear(self) -> None:
        """Delete all calls."""
        with self._lock:
            self._calls.clear()
