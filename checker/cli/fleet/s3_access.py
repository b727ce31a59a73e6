"""The access to S3 that boto3 gives to a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from checker.cli.aws import Aws
from checker.errors import UnreadableError
from checker.fleet.stores import S3Keys, S3Place

# How long obstore may keep credentials. boto3 renews its own 15 minutes before they end.
_KEPT = timedelta(minutes=5)


class BotoAccess:
    """The access to S3 that boto3 gives to the fleet."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def place(self, bucket: str) -> S3Place:
        """Return where a bucket is."""
        from checker.aws.s3 import bucket_place

        with self._unreadable():
            found = bucket_place(bucket, self._aws.gateways().clients)
        return S3Place(region=found.region, endpoint=found.endpoint, authorities=found.authorities)

    def keys(self, region: str) -> S3Keys:
        """Return credentials that are valid now."""
        with self._unreadable():
            found = self._aws.gateways().clients.keys(region)
        return S3Keys(
            key=found["aws_access_key_id"],
            secret=found["aws_secret_access_key"],
            token=found.get("aws_session_token"),
            until=datetime.now(UTC) + _KEPT,
        )

    def fetch(self, url: str) -> bytes:
        """Return the bytes of one object, without obstore."""
        return self._aws.fetch(url)

    @contextmanager
    def _unreadable(self) -> Iterator[None]:
        from checker.aws.gateway import GatewayError

        try:
            yield
        except GatewayError as error:
            why = error.unanswered
            raise UnreadableError(why.reason, remedy=why.remedy) from error
