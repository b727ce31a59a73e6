"""AWS as the command line reaches it."""

from __future__ import annotations

from collections.abc import Callable

from checker.pipeline import Observe


def observer(
    *, offline: bool, profile: str | None, role_arn: str | None, region: str | None, timeout: float, drift: bool = False
) -> Observe | None:
    """What asks AWS, with `drift` also what recorded stages present now; None offline.

    boto3 is not imported before the first question.
    """
    if offline:
        return None
    from functools import partial

    from checker.live.connection import Connection
    from checker.live.observe import observe

    connection = Connection(profile=profile, role_arn=role_arn, region=region, timeout=timeout)
    return partial(observe, connection=connection, drift=drift)


def fetcher(*, profile: str | None, role_arn: str | None, region: str | None, timeout: float) -> Callable[[str], bytes]:
    """What fetches an `s3://bucket/key` that is named as a source, offline too: --offline is about the certificates."""

    def fetch(source: str) -> bytes:
        from checker.live.buckets import fetch_object
        from checker.live.connection import Connection

        return fetch_object(source, Connection(profile=profile, role_arn=role_arn, region=region, timeout=timeout))

    return fetch
