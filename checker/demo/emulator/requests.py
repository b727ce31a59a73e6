"""The common part of all requests that the emulator adds to moto."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.acm.models import acm_backends
from moto.apigateway.models import apigateway_backends
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.core.routing import get_service_router
from moto.elbv2.models import elbv2_backends
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import NotFound

from checker.demo.emulator.calls import RecordedCall
from checker.demo.emulator.certificates import CertificateStore, certificate_store
from checker.demo.emulator.errors import BadRequestError
from checker.demo.emulator.seeds import SeedRole
from checker.demo.emulator.state import PRESIGNED, World

# Moto's models are shared by the whole process, and one request may change a table while another
# reads it. The answer was then a 500 for a stage that was created all the same: Terraform tried
# again and failed with "already exists".
TURN = Lock()


@contextmanager
def out_of_turn() -> Iterator[None]:
    """Let other requests be handled inside this block, which reads and changes no table of moto."""
    TURN.release()
    try:
        yield
    finally:
        TURN.acquire()


class GatewayRequest(BaseResponse):
    """One request to API Gateway, v1 or v2, in the world of its emulator."""

    world: World

    @property
    def store(self) -> CertificateStore:
        """Return the client certificates of the account and region that signed the request.

        Stages of v2 present these certificates too.
        """
        return certificate_store(apigateway_backends[self.current_account][self.region])

    def answer(self, *request: Any) -> Any:
        """Handle the request with a new object, as moto's own `dispatch` does."""
        return self._dispatch(*request)

    def query(self, name: str) -> str | None:
        """Return a parameter of the query string.

        Moto's own method falls back to the headers if the parameter is missing.
        """
        return parse_qs(self.parsed_url.query, keep_blank_values=True).get(name, [None])[0]

    def document(self) -> dict[str, Any]:
        """Parse the JSON object in the body; empty if there is no body.

        Raises BadRequestError for another JSON value or for invalid JSON.
        """
        try:
            document = json.loads(self.body or "{}")
        except ValueError as error:
            raise BadRequestError("Invalid request input") from error
        if not isinstance(document, dict):
            raise BadRequestError("Invalid request input")
        return document

    def reply(self, body: Mapping[str, Any], *, status: int = 200) -> TYPE_RESPONSE:
        """Return a JSON body with a status, in moto's form."""
        headers = {"status": status, "Content-Type": "application/json"}
        return status, headers, "" if status == 204 else json.dumps(body)


UNKNOWN = "Unknown"

_SCOPE = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)


def buffered(environ: dict[str, Any]) -> bytes:
    """Read the request's body, and leave it readable once more."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def identify(environ: dict[str, Any], body: bytes) -> RecordedCall:
    """Return the call that a request makes; unknown parts are `Unknown`.

    The service is in the scope of the signature. API Gateway's two versions share one scope; the
    path differs.
    """
    path = environ.get("PATH_INFO", "")
    if path.startswith(PRESIGNED):
        return RecordedCall(
            service="presigned",
            operation="GetBundle",
            account=UNKNOWN,
            region=UNKNOWN,
            method=environ["REQUEST_METHOD"],
            path=PRESIGNED,
        )
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    signed = scope["service"] if scope else UNKNOWN
    service = "apigatewayv2" if signed == "apigateway" and path.startswith("/v2/") else signed
    account = get_account_id_from(scope["key"] if scope else "")
    region = scope["region"] if scope else UNKNOWN
    return RecordedCall(
        service=service,
        operation=_operation(service, environ, body),
        account=account,
        region=region,
        method=environ["REQUEST_METHOD"],
        path=path,
        resource=_resource(service, f"{region}:{account}", path, body),
    )


def has_region(call: RecordedCall) -> bool:
    """Return whether the region has the called service; moto raises an error if not.

    Only the services that tfcert asks are checked.
    """
    match call.service:
        case "apigateway" | "apigatewayv2":
            return call.region in apigateway_backends[call.account]
        case "acm":
            return call.region in acm_backends[call.account]
        case "elasticloadbalancing" | "secretsmanager" | "ssm":
            return call.region in elbv2_backends[call.account]
        case _:
            return True


def _resource(service: str, place: str, path: str, body: bytes) -> str:
    """Return the ARN that IAM compares, or `*`; the real ARN of a secret also has a suffix."""
    match service:
        case "acm":
            return _field(body, "CertificateArn") or "*"
        case "s3":
            return f"arn:aws:s3:::{path.strip('/')}"
        case "ssm":
            name = _field(body, "Name")
            return f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}" if name else "*"
        case "secretsmanager":
            name = _field(body, "SecretId")
            own = f"arn:aws:secretsmanager:{place}:secret:{name}"
            return name if name.startswith("arn:") else own if name else "*"
        case "elasticloadbalancing":
            asked = parse_qs(body.decode("utf-8", "replace"))
            return "".join(asked.get("TrustStoreArn", ["*"]))
        case _:
            return "*"


def _field(body: bytes, name: str) -> str:
    try:
        asked = json.loads(body)
    except ValueError:
        return ""
    return str(asked.get(name, "")) if isinstance(asked, dict) else ""


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


def refused(roles: Mapping[str, SeedRole], call: RecordedCall, body: bytes) -> bool:
    """Return whether a call assumes a role that does not exist or that denies it.

    Without seeded roles, every role may be assumed. Source: AWS's IAM user guide, "The confused
    deputy problem": the condition `sts:ExternalId` of a role's trust policy.
    """
    if not roles or not call.matches("sts:AssumeRole"):
        return False
    asked = parse_qs(body.decode("utf-8", "replace"))
    role = roles.get("".join(asked.get("RoleArn", [])))
    return role is None or (
        role.external_id is not None and asked.get("ExternalId") != [role.external_id]
    )
