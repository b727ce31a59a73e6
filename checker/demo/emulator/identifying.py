"""Which operation of AWS a request is, told from its signature, its path and its body as AWS's model has them."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.acm.models import acm_backends
from moto.apigateway.models import apigateway_backends
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import NotFound

from checker.demo.emulator.calls import RecordedCall

UNKNOWN = "Unknown"

_SCOPE = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


def buffered(environ: dict[str, Any]) -> bytes:
    """The request's body, which is left readable once more."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def identify(environ: dict[str, Any], body: bytes) -> RecordedCall:
    """Name the call that a request makes; its parts are `Unknown` where AWS's models know no such thing.

    The service is in the scope of the signature; API Gateway's two versions share one, and are told apart by the path.
    """
    path = environ.get("PATH_INFO", "")
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    signed = scope["service"] if scope else UNKNOWN
    service = "apigatewayv2" if signed == "apigateway" and path.startswith("/v2/") else signed
    return RecordedCall(
        service=service,
        operation=_operation(service, environ, body),
        account=get_account_id_from(scope["key"] if scope else ""),
        region=scope["region"] if scope else UNKNOWN,
        method=environ["REQUEST_METHOD"],
        path=path,
        resource=_named_certificate(body) if service == "acm" else "*",
    )


def has_region(call: RecordedCall) -> bool:
    """Whether the called service is in the called region, as far as API Gateway and ACM go; moto fails where it is not."""
    match call.service:
        case "apigateway" | "apigatewayv2":
            return call.region in apigateway_backends[call.account]
        case "acm":
            return call.region in acm_backends[call.account]
        case _:
            return True


def _named_certificate(body: bytes) -> str:
    try:
        asked = json.loads(body)
    except ValueError:
        return "*"
    return str(asked.get("CertificateArn", "*")) if isinstance(asked, dict) else "*"


def _operation(service: str, environ: dict[str, Any], body: bytes) -> str:
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    action = parse_qs(body.decode("utf-8", "replace")).get("Action") if form else None
    if action:
        return action[0]
    try:
        router = get_service_router(service)
        operation, _ = router.match(Request({**environ, "wsgi.input": io.BytesIO(body)}))
    except (NotFound, UnknownServiceError):
        return UNKNOWN
    return str(operation.name)
