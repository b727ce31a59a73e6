"""State files in S3 objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from checker.aws.connection import Role
from checker.aws.deadline import OverdueError, TimeBudget, start_thread, wait_for_result
from checker.aws.errors import Question, error_code, translate_errors
from checker.aws.gateway import GatewayError
from checker.aws.session import Clients
from checker.errors import UnreadableError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

T = TypeVar("T")

LARGEST = 2 * 1024**3
SECONDS = 600.0
_WINDOW = 256 * 1024
_SCHEME = "s3://"
# S3 in any region redirects to a bucket's region, and botocore follows.
_ANY_REGION = "us-east-1"

# Source: AWS's S3 reference, "Error responses".
_MISSING = {
    "NoSuchBucket": ("there is no such bucket", "check the bucket's name and its account"),
    "NoSuchKey": (
        "there is no such object in the bucket",
        "check the key; workspaces keep theirs under env:/WORKSPACE/",
    ),
    "PermanentRedirect": ("the bucket is in another region", "name its region with --region"),
    "InvalidObjectState": ("the object is archived", "restore it first"),
}


def fetch_object(
    source: str,
    clients: Clients,
    *,
    most: int = LARGEST,
    seconds: float = SECONDS,
    role: Role | None = None,
) -> bytes:
    """Read the bytes of `s3://bucket/key` with a role, or the command line's own credentials.

    Raises UnreadableError with the source in `where`: for an address without an object; for an
    object that is missing, denied or larger than any state; and if S3 does not answer.
    """
    bucket, _, key = source.removeprefix(_SCHEME).partition("/")
    if not bucket or not key:
        raise UnreadableError("names no object", where=source, remedy="write s3://BUCKET/KEY")
    if key.endswith("/"):
        raise UnreadableError(
            "is a prefix and no object",
            where=source,
            remedy="give --states, and every state below it is read",
        )
    try:
        deadline = monotonic() + seconds
        return _read(clients, role, (bucket, key), most=most, deadline=deadline)
    except GatewayError as error:
        why = error.unanswered
        raise UnreadableError(why.reason, where=source, remedy=why.remedy) from error


def _read(
    clients: Clients, role: Role | None, at: tuple[str, str], *, most: int, deadline: float
) -> bytes:
    bucket, key = at
    region = clients.region() or _ANY_REGION
    client = clients.client("s3", region, role)
    pieces: list[bytes] = []
    left = most
    with translate_errors(Question(operation="GetObject", region=region)):
        from botocore.exceptions import ClientError

        try:
            body = _in_time(clients, lambda: client.get_object(Bucket=bucket, Key=key)["Body"])
        except ClientError as error:
            raise _refused(error) or error from error
        chunks = iter(body.iter_chunks(_WINDOW))
        while piece := _in_time(clients, lambda: next(chunks, b"")):
            pieces.append(piece)
            left -= len(piece)
            if left < 0:
                raise GatewayError(f"the object is larger than {most} bytes", "name a smaller file")
            if monotonic() > deadline:
                raise _late()
    return b"".join(pieces)


def _in_time(clients: Clients, work: Callable[[], T]) -> T:
    """Return the result of one S3 call; raises GatewayError after the timeout.

    Socket timeouts are not enough: a server that sends a byte now and then never reaches them.
    """
    try:
        return wait_for_result(TimeBudget(clients.connection.timeout), start_thread(work))
    except OverdueError:
        raise _late() from None


def _refused(error: ClientError) -> GatewayError | None:
    code = error_code(error)
    if code == "AccessDenied":
        # Without permission to list the bucket, S3 gives this answer for a missing object too.
        return GatewayError(
            "access was denied, or there is no such object",
            "allow s3:GetObject on it (and kms:Decrypt on the key that encrypts it), "
            "and check the key's name",
        )
    missing = _MISSING.get(code)
    return GatewayError(*missing) if missing is not None else None


def _late() -> GatewayError:
    return GatewayError(
        "the object did not arrive in time",
        "raise --timeout, or download it first, and pass the file",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """Where another library finds a bucket: its region, the endpoint, and a file of CAs, if any."""

    region: str
    endpoint: str
    authorities: str | None


def bucket_place(bucket: str, clients: Clients) -> BucketPlace:
    """Return the region and endpoint of a bucket, as boto3 would use them.

    S3 names the region of a bucket even to a caller who may not list it. Raises GatewayError if
    there are no credentials, or S3 does not answer. Source: Amazon S3 API reference, HeadBucket.
    """
    region = clients.region() or _ANY_REGION
    client = clients.client("s3", region)
    region = _in_time(clients, lambda: _bucket_region(client, bucket, region)) or region
    return BucketPlace(
        region=region,
        endpoint=clients.client("s3", region).meta.endpoint_url,
        authorities=os.environ.get("AWS_CA_BUNDLE") or None,
    )


def _bucket_region(client: Any, bucket: str, region: str) -> str | None:
    with translate_errors(Question(operation="HeadBucket", region=region)):
        from botocore.exceptions import ClientError

        try:
            answer = client.head_bucket(Bucket=bucket)
        except ClientError as error:
            answer = error.response
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    named = headers.get("x-amz-bucket-region")
    return named if isinstance(named, str) and named else None
