"""Translation of boto3's exceptions into errors with a reason and a remedy."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checker.aws.gateway import (
    CredentialsError,
    GatewayError,
    MissingError,
    ThrottledError,
    UnreachableError,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An AWS operation in a region, and the host of AWS_ENDPOINT_URL, if any."""

    operation: str
    region: str
    endpoint: str | None = None

    def __str__(self) -> str:
        at = f" (endpoint {self.endpoint})" if self.endpoint else ""
        return f"{self.operation} in region {self.region}{at}"


# API Gateway's actions are HTTP methods on paths. `policies/iam/` allows exactly these.
# Source: AWS's service authorization reference, "Amazon API Gateway Management" and "... V2".
_ACTIONS = {
    "GetClientCertificates": "apigateway:GET on /clientcertificates",
    "GetRestApis": "apigateway:GET on /restapis",
    "GetApis": "apigateway:GET on /apis",
    "GetStages": "apigateway:GET on /restapis/*/stages and /apis/*/stages",
    "GetStage": "apigateway:GET on /restapis/*/stages/* and /apis/*/stages/*",
    "GetResources": "apigateway:GET on /restapis/*/resources",
    "TestInvokeMethod": "apigateway:POST on /restapis/*/resources/*/methods/*",
    "DescribeCertificate": "acm:DescribeCertificate on the certificate",
    "GetCallerIdentity": "sts:GetCallerIdentity",
    "DescribeRegions": "ec2:DescribeRegions",
    "GetObject": "s3:GetObject on the object",
    "AssumeRole": "sts:AssumeRole on the role",
    "GetTrustStoreCaCertificatesBundle": "elasticloadbalancing:GetTrustStoreCaCertificatesBundle "
    "on the trust store",
    "GetParameter": "ssm:GetParameter on the parameter",
    "GetSecretValue": "secretsmanager:GetSecretValue on the secret",
}


def action_for(operation: str) -> str:
    """Return the IAM action that an operation needs, and its resource."""
    return _ACTIONS.get(operation, operation)


_CLOCK = re.compile(
    r"signature (expired|not yet current)|skew|clock|difference between the request time",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(r"explicit deny in an? ([a-z ]{4,40}?policy|permissions boundary)")
_NO_NAME = re.compile(r"\d+|Unknown|")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._]{2,80}")


def error_code(error: ClientError) -> str:
    """Return the error code of AWS's answer, or the digits of the HTTP status if it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_from_response(error: ClientError, question: Question) -> GatewayError:
    """Return the error to raise for an error response."""
    if error.operation_name != question.operation:
        # The failed call was the profile's own, which loads its credentials, such as AssumeRole.
        question = replace(question, operation=error.operation_name, endpoint=None)
    code, status = (
        error_code(error),
        error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
    )
    message = str(error.response.get("Error", {}).get("Message", ""))
    for codes, meaning in _MEANINGS:
        if code in codes:
            return meaning(message, question)
    if status == 429:
        return _throttled(message, question)
    if status >= 500:
        return UnreachableError(
            f"{question} failed in AWS (HTTP {status}), again after every retry",
            "run it again later",
        )
    return _other(code, status, question)


def _expired(_: str, question: Question) -> GatewayError:
    return CredentialsError(
        f"{question} was refused: the AWS credentials have expired",
        "sign in again, then run it again",
    )


_SEE = "see policies/iam/check.json, for scan scan.json"
# The policies of --trust and of probes; that of check does not allow these operations.
_SEE_OF = (
    (
        {"GetTrustStoreCaCertificatesBundle", "GetParameter", "GetSecretValue"},
        "see policies/iam/check-trust.json",
    ),
    ({"GetResources", "TestInvokeMethod"}, "see policies/iam/probe.json"),
)
_ALLOW = {
    # STS does not say which of these is missing.
    "AssumeRole": (
        "allow sts:AssumeRole on the role, and let its trust policy admit these credentials; "
        "where that asks for an external "
        'id, give it: external_id under [accounts."…"] in tfcert.toml'
    ),
}


def _denied(message: str, question: Question) -> GatewayError:
    explicit = _EXPLICIT.search(message)
    why = f" (explicitly, by {explicit[1].strip()})" if explicit else ""
    action = action_for(question.operation)
    see = next((where for names, where in _SEE_OF if question.operation in names), _SEE)
    return GatewayError(
        f"{question} was denied{why}: the credentials lack {action}",
        _ALLOW.get(question.operation) or f"allow {action}; {see}",
    )


def _throttled(_: str, question: Question) -> GatewayError:
    return ThrottledError(
        f"{question} was throttled, again after every retry",
        "wait until other programs no longer use this quota of the account (10 calls a second), "
        "then run it again",
    )


def _unsigned(message: str, question: Question) -> GatewayError:
    if _CLOCK.search(message):
        return CredentialsError(
            f"{question} was refused: this machine's clock is wrong",
            "set the clock, then run it again",
        )
    return CredentialsError(
        f"{question} was refused: the signature is wrong",
        "check the secret access key and session token",
    )


def _unknown_key(_: str, question: Question) -> GatewayError:
    return UnreachableError(
        f"{question} was refused: AWS does not know these credentials there",
        "if the access key is right, the region is not enabled for the account: enable it; "
        "otherwise give other credentials",
    )


def _missing(_: str, question: Question) -> GatewayError:
    return MissingError(
        f"{question} was answered: it does not exist", "run it again; if the error stays, report it"
    )


def _not_enabled(_: str, question: Question) -> GatewayError:
    return UnreachableError(
        f"{question} was refused: the region is not enabled for the account", "enable the region"
    )


def _other(code: str, status: int, question: Question) -> GatewayError:
    if _NO_NAME.fullmatch(code):
        return UnreachableError(
            f"{question} was answered with HTTP {status} by another server than AWS, perhaps a "
            "proxy",
            "check the proxy settings (HTTPS_PROXY, NO_PROXY) and AWS_ENDPOINT_URL",
        )
    shown = code if _CODE.fullmatch(code) else "an unnamed error"
    return GatewayError(
        f"{question} was answered with {shown} (HTTP {status})",
        "run it again; if the error stays, report it",
    )


# Source: AWS's "Common errors" of API Gateway and STS, and botocore's list of throttling codes.
_MEANINGS: tuple[tuple[set[str], Callable[[str, Question], GatewayError]], ...] = (
    ({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}, _expired),
    (
        {"AccessDenied", "AccessDeniedException", "UnauthorizedException", "UnauthorizedOperation"},
        _denied,
    ),
    (
        {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"},
        _throttled,
    ),
    (
        {
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "IncompleteSignatureException",
        },
        _unsigned,
    ),
    (
        {
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestTimeTooSkewed",
        },
        _unsigned,
    ),
    (
        {
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "AuthFailure",
        },
        _unknown_key,
    ),
    ({"NotFoundException"}, _missing),
    ({"OptInRequired", "RegionDisabledException"}, _not_enabled),
)


GIVE = (
    "give credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, --profile, a role of the machine), or use "
    "the dates in state: check --offline"
)
_PRINTABLE = re.compile(r"[\w .:@/\\~+-]{1,200}")


def credentials_error(error: BotoCoreError) -> CredentialsError | None:
    """Return the error to raise if credentials could not be loaded; None for other exceptions.

    It leaves out the texts of credential programs and token services: they may contain their input.
    """
    from botocore import exceptions as boto

    profile, path, provider = (_named(error, name) for name in ("profile", "path", "provider"))
    meanings: tuple[tuple[tuple[type[BotoCoreError], ...], str, str], ...] = (
        (
            (boto.NoCredentialsError, boto.PartialCredentialsError, boto.NoAuthTokenError),
            "no AWS credentials were found, or only a part of them",
            GIVE,
        ),
        (
            (boto.ProfileNotFound,),
            f"the AWS profile {profile} is not configured",
            "run `aws configure list-profiles` to list them",
        ),
        (
            (boto.ConfigParseError, boto.ConfigNotFound),
            f"the AWS configuration file {path} cannot be read",
            "correct the file",
        ),
        (
            (boto.SSOError, boto.TokenRetrievalError, boto.LoginError),
            "the AWS sign-in session is missing or has expired",
            "sign in again: aws sso login, or aws login",
        ),
        (
            (boto.RefreshWithMFAUnsupportedError,),
            "the credentials need an MFA code",
            "get temporary credentials first, and use those",
        ),
        (
            (boto.CredentialRetrievalError, boto.MetadataRetrievalError),
            f"no credentials came from {provider}",
            GIVE,
        ),
        (
            (boto.InvalidConfigError, boto.UnknownCredentialError, boto.MissingDependencyException),
            f"the AWS configuration is not usable: {in_words(error)}",
            "correct the AWS profile",
        ),
    )
    for kinds, reason, remedy in meanings:
        if isinstance(error, kinds):
            return CredentialsError(reason, remedy)
    return None


def in_words(error: BotoCoreError) -> str:
    """Return the name of an AWS library error as words; its text may contain a secret."""
    name = type(error).__name__.removesuffix("Error").removesuffix("Exception")
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()


def _named(error: BotoCoreError, name: str) -> str:
    value = str(error.kwargs.get(name, "")) if hasattr(error, "kwargs") else ""
    return repr(value) if _PRINTABLE.fullmatch(value) else "that is configured"


NETWORK = (
    "check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and AWS_ENDPOINT_URL; "
    "check --offline judges by recorded dates"
)
BROKEN = "the connection broke off"


def boto_exceptions() -> tuple[type[Exception], ...]:
    """Return the exceptions that a call of boto3 may raise, for an `except` clause.

    The built-in ones come from botocore's parsers if something other than AWS answers. Measured
    with botocore 1.44: AttributeError for a JSON list, KeyError for HTML from STS, ValueError,
    RuntimeError and OverflowError for dates, RecursionError for deep nesting. OSError comes from
    credential programs and unreadable configuration.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    builtin = (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RuntimeError,
        ArithmeticError,
    )
    return (BotoCoreError, ClientError, ResponseParserError, HTTPError, *builtin)


def explain_exception(error: Exception, question: Question) -> GatewayError:
    """Return the error to raise instead of an exception of boto3."""
    from botocore.exceptions import BotoCoreError, ClientError

    match error:
        case ClientError():
            return error_from_response(error, question)
        case BotoCoreError():
            return credentials_error(error) or _broken(error, question)
        case OSError():
            return UnreachableError(f"{question} failed: {BROKEN}", NETWORK)
        case _:
            return invalid_response(question)


def invalid_response(question: Question) -> UnreachableError:
    """Return the error for a response that cannot come from AWS."""
    return UnreachableError(
        f"{question} was answered, but not by AWS: perhaps by a proxy or a sign-in page",
        NETWORK,
    )


def _broken(error: BotoCoreError, question: Question) -> GatewayError:
    from botocore import exceptions as boto

    no_region = (
        boto.InvalidRegionError,
        boto.UnknownRegionError,
        boto.NoRegionError,
        boto.BaseEndpointResolverError,
    )
    if isinstance(error, no_region):
        return UnreachableError(
            f"{question.region!r} is not a region of AWS", "correct the region, or give --region"
        )
    if isinstance(error, boto.ParamValidationError):
        return GatewayError(
            f"{question} was not asked: a recorded name is not valid there",
            "check what state records",
        )
    unknown_host = isinstance(error, boto.EndpointConnectionError) and _rooted_in(
        error, socket.gaierror
    )
    # The order matters: most of these are subclasses of ConnectionError or HTTPClientError.
    meanings: tuple[tuple[bool, str, str], ...] = (
        (
            isinstance(error, boto.SSLError),
            "the server's TLS certificate was not accepted",
            (
                "name the right certificate authorities in AWS_CA_BUNDLE, "
                "or bypass the proxy that opens the connection"
            ),
        ),
        (isinstance(error, boto.ProxyConnectionError), "the proxy could not be reached", NETWORK),
        (
            isinstance(error, (boto.ReadTimeoutError, boto.ConnectTimeoutError)),
            "no answer came in time",
            NETWORK,
        ),
        (
            unknown_host,
            "the host name is not known: there is no such region, or no network",
            f"correct the region; {NETWORK}",
        ),
        (isinstance(error, boto.EndpointConnectionError), "no connection could be made", NETWORK),
        (
            isinstance(
                error, (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError)
            ),
            BROKEN,
            NETWORK,
        ),
        (
            True,
            f"the AWS library gave up: {in_words(error)}",
            "run it again; check --offline judges by recorded dates",
        ),
    )
    reason, remedy = next((reason, remedy) for fits, reason, remedy in meanings if fits)
    return UnreachableError(f"{question} failed: {reason}", remedy)


def _rooted_in(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def translate_errors(question: Question) -> Iterator[None]:
    """Raise GatewayError for exceptions of boto3, botocore and urllib3.

    KeyboardInterrupt passes.
    """
    try:
        yield
    except boto_exceptions() as error:
        raise explain_exception(error, question) from error


@contextmanager
def translate_setup_errors(question: Question, otherwise: GatewayError) -> Iterator[None]:
    """Raise GatewayError for exceptions before anything is sent.

    `otherwise` is the error for exceptions that are not botocore's own.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise explain_exception(error, question) from error
    except boto_exceptions() as error:
        raise otherwise from error
