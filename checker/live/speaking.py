"""The one boundary that exceptions of boto3 do not cross."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from checker.live.failures import explain, foreign
from checker.live.gateway import GatewayError
from checker.live.question import Question


@contextmanager
def speaking(question: Question) -> Iterator[None]:
    """Turn what boto3, botocore and urllib3 raise into a GatewayError about a question; KeyboardInterrupt passes."""
    try:
        yield
    except foreign() as error:
        raise explain(error, question) from error


@contextmanager
def preparing(question: Question, otherwise: GatewayError) -> Iterator[None]:
    """Likewise before anything is sent, where `otherwise` says what an exception means that is not botocore's own."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise explain(error, question) from error
    except foreign() as error:
        raise otherwise from error
