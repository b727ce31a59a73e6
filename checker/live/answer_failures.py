"""What the errors mean that AWS itself answers with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from checker.live.gateway import CredentialsError, GatewayError, MissingError, UnreachableError
from checker.live.permissions import action_for
from checker.live.question import Question

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CLOCK = re.compile(r"signature (expired|not yet current)|skew|clock|difference between the request time", re.IGNORECASE)
_EXPLICIT = re.compile(r"explicit deny in an? ([a-z ]{4,40}?policy|permissions boundary)")
_NO_NAME = re.compile(r"\d+|Unknown|")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._]{2,80}")


def code_of(error: ClientError) -> str:
    """The name of the error that AWS answered with, or the digits of the HTTP status where it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def answered(error: ClientError, question: Question) -> GatewayError:
    """The error to raise for an answer that is one."""
    if error.operation_name != question.operation:
        # The credentials of a profile may need a call of their own first, such as AssumeRole, and that was the one.
        question = replace(question, operation=error.operation_name, endpoint=None)
    code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = str(error.response.get("Error", {}).get("Message", ""))
    for codes, meaning in _MEANINGS:
        if code in codes:
            return meaning(message, question)
    if status == 429:
        return _throttled(message, question)
    if status >= 500:
        return UnreachableError(f"{question} failed in AWS (HTTP {status}), again after every retry", "run it again later")
    return _other(code, status, question)


def _expired(_: str, question: Question) -> GatewayError:
    return CredentialsError(f"{question} was refused: the AWS credentials have expired", "sign in again, then run it again")


_SEE = "see policies/iam/check.json, for scan scan.json"
_ALLOW = {
    # STS does not say which of these it was.
    "AssumeRole": (
        "allow sts:AssumeRole on the role, and let its trust policy admit these credentials; where that asks for an external "
        'id, give it: external_id under [accounts."…"] in tfcert.toml'
    ),
}


def _denied(message: str, question: Question) -> GatewayError:
    explicit = _EXPLICIT.search(message)
    why = f" (explicitly, by {explicit[1].strip()})" if explicit else ""
    action = action_for(question.operation)
    return GatewayError(
        f"{question} was denied{why}: the credentials lack {action}", _ALLOW.get(question.operation) or f"allow {action}; {_SEE}"
    )


def _throttled(_: str, question: Question) -> GatewayError:
    return UnreachableError(
        f"{question} was throttled, again after every retry",
        "wait until whatever else uses this quota of the account's is done (10 calls a second), then run it again",
    )


def _unsigned(message: str, question: Question) -> GatewayError:
    if _CLOCK.search(message):
        return CredentialsError(f"{question} was refused: this machine's clock is wrong", "set the clock, then run it again")
    return CredentialsError(f"{question} was refused: the signature is wrong", "check the secret access key and session token")


def _unknown_key(_: str, question: Question) -> GatewayError:
    return UnreachableError(
        f"{question} was refused: AWS does not know these credentials there",
        "if the access key is right, the region is not enabled for the account: enable it; else give other credentials",
    )


def _missing(_: str, question: Question) -> GatewayError:
    return MissingError(f"{question} was answered: there is no such thing", "run it again; if it stays, report it")


def _not_enabled(_: str, question: Question) -> GatewayError:
    return UnreachableError(f"{question} was refused: the region is not enabled for the account", "enable the region")


def _other(code: str, status: int, question: Question) -> GatewayError:
    if _NO_NAME.fullmatch(code):
        return UnreachableError(
            f"{question} was answered with HTTP {status}, but not as AWS answers: something else stands between, such as a proxy",
            "check the proxy settings (HTTPS_PROXY, NO_PROXY) and AWS_ENDPOINT_URL",
        )
    shown = code if _CODE.fullmatch(code) else "an error that has no name"
    return GatewayError(f"{question} was answered with {shown} (HTTP {status})", "run it again; if it stays, report it")


# Source: AWS's "Common errors" of API Gateway and STS, and botocore's list of throttling codes.
_MEANINGS: tuple[tuple[set[str], Callable[[str, Question], GatewayError]], ...] = (
    ({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}, _expired),
    ({"AccessDenied", "AccessDeniedException", "UnauthorizedException", "UnauthorizedOperation"}, _denied),
    ({"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"}, _throttled),
    ({"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException"}, _unsigned),
    ({"MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestTimeTooSkewed"}, _unsigned),
    ({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}, _unknown_key),
    ({"NotFoundException"}, _missing),
    ({"OptInRequired", "RegionDisabledException"}, _not_enabled),
)
