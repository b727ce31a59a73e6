"""The one boundary that exceptions of boto3 do not cross."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from checker.live.failures import explain, foreign
from checker.live.question import Question


@contextmanager
def speaking(question: Question) -> Iterator[None]:
    """Turn what boto3, botocore and urllib3 raise into a GatewayError about a question; KeyboardInterrupt passes."""
    try:
        yield
    except foreign() as error:
        raise explain(error, question) from error
