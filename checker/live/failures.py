"""Says in words a tired person understands what botocore's exceptions mean.

Nothing of a server's own text gets through: API Gateway's answer to a wrong signature quotes the request's headers, session
token included. Codes are looked up or, where unknown, quoted only if they have the form of one.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from checker.live.answer_failures import answered
from checker.live.credential_failures import in_words, without_credentials
from checker.live.gateway import GatewayError, UnreachableError
from checker.live.question import Question

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError

NETWORK = (
    "check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and AWS_ENDPOINT_URL; check --offline judges by recorded dates"
)
BROKEN = "the connection broke off"


def foreign() -> tuple[type[Exception], ...]:
    """What a call of boto3 is known to raise, in an `except` clause.

    The built-in ones come out of botocore's parsers when something other than AWS answers (measured with botocore 1.44:
    AttributeError for a JSON list, KeyError for HTML from STS, ValueError, RuntimeError and OverflowError for dates,
    RecursionError for deep nesting), and OSError out of credential programs and unreadable configuration.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    builtin = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError)
    return (BotoCoreError, ClientError, ResponseParserError, HTTPError, *builtin)


def explain(error: Exception, question: Question) -> GatewayError:
    """The error to raise in place of what a call of boto3 raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    match error:
        case ClientError():
            return answered(error, question)
        case BotoCoreError():
            return without_credentials(error) or _broken(error, question)
        case OSError():
            return UnreachableError(f"{question} failed: {BROKEN}", NETWORK)
        case _:
            return nonsense(question)


def nonsense(question: Question) -> UnreachableError:
    """The error for an answer that AWS would not give."""
    return UnreachableError(
        f"{question} was answered, but not as AWS answers: something else stands between, such as a proxy or a sign-in page",
        NETWORK,
    )


def _broken(error: BotoCoreError, question: Question) -> GatewayError:
    from botocore import exceptions as boto

    no_region = (boto.InvalidRegionError, boto.UnknownRegionError, boto.NoRegionError, boto.BaseEndpointResolverError)
    if isinstance(error, no_region):
        return UnreachableError(f"{question.region!r} is not a region of AWS", "correct the region, or give --region")
    if isinstance(error, boto.ParamValidationError):
        return GatewayError(f"{question} was not asked: a recorded name is not valid there", "check what state records")
    unknown_host = isinstance(error, boto.EndpointConnectionError) and _rooted_in(error, socket.gaierror)
    # The first that fits: most of these are kinds of ConnectionError or HTTPClientError.
    meanings: tuple[tuple[bool, str, str], ...] = (
        (
            isinstance(error, boto.SSLError),
            "the server's TLS certificate was not accepted",
            "name the right certificate authorities in AWS_CA_BUNDLE, or bypass the proxy that opens the connection",
        ),
        (isinstance(error, boto.ProxyConnectionError), "the proxy could not be reached", NETWORK),
        (isinstance(error, (boto.ReadTimeoutError, boto.ConnectTimeoutError)), "no answer came in time", NETWORK),
        (unknown_host, "the host name is not known: there is no such region, or no network", f"correct the region; {NETWORK}"),
        (isinstance(error, boto.EndpointConnectionError), "no connection could be made", NETWORK),
        (isinstance(error, (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError)), BROKEN, NETWORK),
        (True, f"the AWS library gave up: {in_words(error)}", "run it again; check --offline judges by recorded dates"),
    )
    reason, remedy = next((reason, remedy) for fits, reason, remedy in meanings if fits)
    return UnreachableError(f"{question} failed: {reason}", remedy)


def _rooted_in(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
