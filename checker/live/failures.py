"""Says in words a tired person understands what botocore's exceptions mean.

Nothing of a server's own text gets through: API Gateway's answer to a wrong signature quotes the request's headers, session
token included. Codes are looked up or, where unknown, quoted only if they have the form of one.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from checker.live.answer_failures import answered
from checker.live.credential_failures import without_credentials
from checker.live.gateway import GatewayError, UnreachableError
from checker.live.question import Question

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError

NETWORK = "check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and AWS_ENDPOINT_URL; --offline judges by recorded dates"


def foreign() -> tuple[type[Exception], ...]:
    """What a call of boto3 is known to raise, in an `except` clause.

    The built-in ones come out of botocore's parsers when something other than AWS answers (measured with botocore 1.44:
    AttributeError for a JSON list, KeyError for HTML from STS, ValueError and RuntimeError for dates, RecursionError for deep
    nesting), and OSError out of credential programs and unreadable configuration.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    builtin = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
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
            return UnreachableError(f"{question} failed: the connection broke off", NETWORK)
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

    match error:
        case boto.InvalidRegionError() | boto.UnknownRegionError() | boto.NoRegionError() | boto.BaseEndpointResolverError():
            return UnreachableError(f"{question.region!r} is not a region of AWS", "correct the region, or give --region")
        case boto.SSLError():
            return UnreachableError(
                f"{question} failed: the server's TLS certificate was not accepted",
                "name the right certificate authorities in AWS_CA_BUNDLE, or bypass the proxy that breaks the connection open",
            )
        case boto.ProxyConnectionError():
            return UnreachableError(f"{question} failed: the proxy could not be reached", NETWORK)
        case boto.ReadTimeoutError() | boto.ConnectTimeoutError():
            return UnreachableError(f"{question} got no answer in time", NETWORK)
        case boto.EndpointConnectionError() if _rooted_in(error, socket.gaierror):
            return UnreachableError(
                f"{question} failed: the host name is not known, so the region does not exist or there is no network",
                f"correct the region; {NETWORK}",
            )
        case boto.EndpointConnectionError():
            return UnreachableError(f"{question} failed: no connection could be made", NETWORK)
        case boto.ParamValidationError():
            return GatewayError(f"{question} was not asked: a recorded name is not valid there", "check what state records")
        case boto.HTTPClientError() | boto.ConnectionError() | boto.IncompleteReadError():
            return UnreachableError(f"{question} failed: the connection broke off", NETWORK)
        case _:
            return GatewayError(f"{question} failed: {type(error).__name__}", "run it again; --offline judges by recorded dates")


def _rooted_in(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
