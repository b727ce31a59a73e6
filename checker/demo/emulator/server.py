"""API Gateway v1 and the server: moto with client certificates, stages, tags and pages."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from html import escape
from http import HTTPStatus
from threading import Condition, Thread
from traceback import format_exc
from typing import Any

from flask import Flask
from moto.core.common_types import TYPE_RESPONSE
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import (
    HTTP_METHODS,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import ThreadedWSGIServer

from checker.demo.emulator.calls import RecordedCall
from checker.demo.emulator.certificate_operations import CertificateOperations
from checker.demo.emulator.control import PREFIX, Control, reset
from checker.demo.emulator.faults import (
    LONGEST_HANG,
    AnswerFault,
    Drop,
    Fault,
    Hang,
    ProxyPage,
    access_denied,
)
from checker.demo.emulator.methods import MethodOperations
from checker.demo.emulator.paging import page
from checker.demo.emulator.repeats import Application, Environ, Start
from checker.demo.emulator.requests import TURN, buffered, has_region, identify, refused
from checker.demo.emulator.stages import StageOperations
from checker.demo.emulator.state import PRESIGNED, World
from checker.demo.emulator.tags import TagOperations
from checker.demo.emulator.trust_stores import LoadBalancing
from checker.demo.emulator.websocket import WebSocketGateway


class RestGateway(CertificateOperations, StageOperations, MethodOperations, TagOperations):
    """One request to API Gateway v1."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def get_rest_apis(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto declares str
        """List a page of the REST APIs.

        Moto returns all of them, which hides a caller that reads only the first page.
        """
        items, position = page(
            self.backend.apis, limit=self.query("limit"), position=self.query("position")
        )
        body = {"item": [api.to_dict() for api in items]}
        return self.reply(body | ({"position": position} if position else {}))


# Moto numbers the endpoints that share a handler; these are their names without the number.
_REST = "APIGatewayResponse.dispatch"
_WEBSOCKET = "ApiGatewayV2Response.dispatch"
_BALANCING = "moto.elb.urls.api_version_elb_backend"
_GATEWAYS = frozenset({"apigateway", "apigatewayv2"})
# Moto has one application for both versions of Elastic Load Balancing.
_EXTENDED = _GATEWAYS | {"elb", "elbv2"}


def application(world: World) -> DomainDispatcherApplication:
    """Return moto's dispatcher, which creates one application per service at its first call.

    Moto's own modules do not change: only the applications of this dispatcher answer differently,
    so other users of moto in the process are not affected.
    """

    def create(service: Any) -> Flask:
        app = create_backend_app(service)
        return _extended(app, service, world) if service in _EXTENDED else app

    return DomainDispatcherApplication(create)


def _one_at_a_time(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def taken_in_turn(*request: Any) -> Any:
        with TURN:
            return view(*request)

    return taken_in_turn


def _extended(app: Flask, service: str, world: World) -> Flask:
    def view(request_of: Callable[[World], Any]) -> Any:
        return convert_to_flask_response(
            _one_at_a_time(lambda *request: request_of(world).answer(*request))
        )

    views = {
        _REST: view(RestGateway),
        _WEBSOCKET: view(WebSocketGateway),
        _BALANCING: view(LoadBalancing),
    }
    for endpoint in app.view_functions:
        own = views.get(endpoint.rstrip("0123456789"))
        if own is not None:
            app.view_functions[endpoint] = own
    if service in _GATEWAYS:
        # Moto's table of paths is incomplete; the operation comes from AWS's model in any case.
        for path, name in (("/v2/<path:rest>", _WEBSOCKET), ("/<path:rest>", _REST)):
            app.add_url_rule(path, endpoint=path, methods=HTTP_METHODS, view_func=views[name])
    return app


# AWS has no such host; this is the answer of a host of another region.
_NO_SUCH_REGION = AnswerFault(
    status=403,
    code="InvalidSignatureException",
    message="Credential should be scoped to a valid region.",
)


class Middleware:
    """A WSGI application around moto's: it records each call and injects the faults."""

    def __init__(self, inner: Application, world: World, control: Control) -> None:
        self._inner = inner
        self._world = world
        self._control = control

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Serve one request."""
        body = buffered(environ)
        path = environ.get("PATH_INFO", "")
        if path.startswith(PREFIX):
            status, document = self._control.serve(
                environ["REQUEST_METHOD"], path.removeprefix(PREFIX), body
            )
            return _reply(start, status, json.dumps(document).encode(), "application/json")
        if path.startswith("/moto-api"):
            return self._inner(environ, start)
        call = identify(environ, body)
        if not self._world.repeats.has_served(environ):
            self._world.calls.add(call)
        fault = self._world.faults.meet(call)
        if fault is not None:
            return self._fail(fault, call, environ, start)
        return self._serve(call, environ, body, start)

    def _serve(
        self, call: RecordedCall, environ: Environ, body: bytes, start: Start
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        bundle = self._world.presigned.get(path.removeprefix(PRESIGNED))
        if bundle is not None:
            return _reply(start, 200, bundle, "binary/octet-stream")
        error = (
            access_denied()
            if path.startswith(PRESIGNED) or refused(self._world.roles, call, body)
            else None
            if has_region(call)
            else _NO_SUCH_REGION
        )
        if error is not None:
            return _answer(error, call, start)
        try:
            return self._world.repeats.serve(self._inner, environ, start)
        except NotImplementedError as lacking:
            # Moto raises this error. With a 500 the SDKs would retry again and again.
            return _answer(
                AnswerFault(status=501, code="NotImplemented", message=f"The emulator: {lacking}"),
                call,
                start,
            )
        except Exception:
            self._world.failures.append(f"{call.method} {call.path}: {format_exc()}")
            raise

    def _fail(
        self, fault: Fault, call: RecordedCall, environ: Environ, start: Start
    ) -> Iterable[bytes]:
        match fault:
            case AnswerFault():
                return _answer(fault, call, start)
            case ProxyPage():
                text = (
                    "<html><head><title>Proxy</title></head>"
                    f"<body><h1>{escape(call.path)}</h1></body></html>\n"
                )
                return _reply(start, fault.status, text.encode(), "text/html; charset=utf-8")
            case Drop():
                return _hang_up(environ, start)
            case Hang():
                self._world.stopping.wait(min(fault.seconds, LONGEST_HANG))
                return _hang_up(environ, start)


def _answer(fault: AnswerFault, call: RecordedCall, start: Start) -> Iterable[bytes]:
    """Return an error in the form of its service.

    That is JSON with the name in header and body, or XML of the query protocol (STS, IAM, ELB,
    EC2) or S3.
    """
    action, resource = call.iam
    message = fault.message or (
        f"User: arn:aws:iam::{call.account}:user/test is not authorized to perform: {action} "
        f"on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    extra = [("Retry-After", str(fault.retry_after))] if fault.retry_after is not None else []
    if call.service in {"sts", "iam", "elasticloadbalancing"}:
        sender = "Sender" if fault.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{sender}</Type>"
            f"<Code>{escape(fault.code.removesuffix('Exception'))}</Code>"
            f"<Message>{escape(message)}</Message></Error>"
            f"<RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>"
        )
        return _reply(start, fault.status, text.encode(), "text/xml", extra)
    if call.service in {"s3", "presigned"}:
        code = fault.code.removesuffix("Exception")
        text = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return _reply(start, fault.status, text.encode(), "application/xml", extra)
    if call.service == "ec2":
        # Source: AWS's EC2 reference, "Error codes": a denied call is an UnauthorizedOperation.
        code = {"AccessDeniedException": "UnauthorizedOperation"}.get(
            fault.code, fault.code.removesuffix("Exception")
        )
        text = (
            f"<Response><Errors><Error><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{secrets.token_hex(16)}</RequestID></Response>"
        )
        return _reply(start, fault.status, text.encode(), "text/xml", extra)
    extra.append(("x-amzn-ErrorType", fault.code))
    return _reply(
        start,
        fault.status,
        json.dumps({"__type": fault.code, "message": message}).encode(),
        "application/json",
        extra,
    )


def _reply(
    start: Start, status: int, body: bytes, content_type: str, extra: Iterable[tuple[str, str]] = ()
) -> Iterable[bytes]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start(f"{status} {phrase}", [*headers, *extra])
    return [body]


def _hang_up(environ: Environ, start: Start) -> Iterable[bytes]:
    connection: socket.socket = environ["werkzeug.socket"]
    # The caller may have closed it already.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    # The server writes this to the closed connection, as if the caller had disconnected.
    return _reply(start, 200, b"", "text/plain")


PATIENCE = 5.0


class Server:
    """The server of an emulated AWS, on a free port of 127.0.0.1.

    It runs from its creation until `stop`.
    """

    def __init__(self, world: World) -> None:
        world.stopping.clear()
        reset(world)
        self._world = world
        app = Middleware(application(world), world, Control(world))
        self._server = _Loopback("127.0.0.1", 0, app, _Quiet)
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.02,), name="tfcert-emulator", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Return the port of the server."""
        return self._server.port

    def stop(self) -> None:
        """Stop accepting requests, close connections, and wait a few seconds for their threads."""
        self._world.stopping.set()
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.hang_up()


class _Quiet(MotoRequestHandler):
    """A handler that does not log requests; the emulator has its own log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- werkzeug's name
        """Write nothing."""


class _Loopback(ThreadedWSGIServer):
    """Werkzeug's threaded server with a list of its open connections."""

    def __init__(
        self, host: str, port: int, app: Callable[..., Any], handler: type[MotoRequestHandler]
    ) -> None:
        self._open: set[socket.socket] = set()
        self._changed = Condition()
        super().__init__(host, port, app, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread of its own."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection after its request."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Close the open connections, and wait until their threads end."""
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # The connection is closed already.
                    continue
            self._changed.wait_for(lambda: not self._open, PATIENCE)
