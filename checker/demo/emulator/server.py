"""API Gateway's first version: moto's, with client certificates, what stages present, tags and pages."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from html import escape
from http import HTTPStatus
from threading import Condition, Lock, Thread
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
from checker.demo.emulator.paging import page
from checker.demo.emulator.requests import buffered, has_region, identify, refused
from checker.demo.emulator.stages import StageOperations
from checker.demo.emulator.state import World
from checker.demo.emulator.tags import TagOperations
from checker.demo.emulator.websocket import WebSocketGateway


class RestGateway(CertificateOperations, StageOperations, TagOperations):
    """One request to API Gateway's first version."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def get_rest_apis(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto promises a text, and takes either
        """List a page of the REST APIs; moto gives all of them, which hides a caller that reads the first page only."""
        items, position = page(
            self.backend.apis, limit=self.query("limit"), position=self.query("position")
        )
        body = {"item": [api.to_dict() for api in items]}
        return self.reply(body | ({"position": position} if position else {}))


# Moto numbers the endpoints that share a handler; this is what each of them is called without its number.
_REST = "APIGatewayResponse.dispatch"
_WEBSOCKET = "ApiGatewayV2Response.dispatch"


def application(world: World) -> DomainDispatcherApplication:
    """Moto's dispatcher, which makes one application a service when the service is first called.

    What moto's own modules hold is left as it is: only the applications that this dispatcher makes answer differently, so
    other users of moto in the process see no change.
    """

    def create(service: Any) -> Flask:
        app = create_backend_app(service)
        return _extended(app, world) if service in {"apigateway", "apigatewayv2"} else app

    return DomainDispatcherApplication(create)


# Moto's models are one for the whole process, and change tables that a second request may be walking at that moment: an
# answer of 500 to a stage that was made all the same had Terraform ask again, and fail with "already exists".
_TURN = Lock()


def _one_at_a_time(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def taken_in_turn(*request: Any) -> Any:
        with _TURN:
            return view(*request)

    return taken_in_turn


def _extended(app: Flask, world: World) -> Flask:
    rest = convert_to_flask_response(
        _one_at_a_time(lambda *request: RestGateway(world).answer(*request))
    )
    websocket = convert_to_flask_response(
        _one_at_a_time(lambda *request: WebSocketGateway(world).answer(*request))
    )
    views = {_REST: rest, _WEBSOCKET: websocket}
    for endpoint in app.view_functions:
        view = views.get(endpoint.rstrip("0123456789"))
        if view is not None:
            app.view_functions[endpoint] = view
    # Moto's table of paths lacks some; which operation a path is, is told from AWS's model in any case.
    for path, view in (("/v2/<path:rest>", websocket), ("/<path:rest>", rest)):
        app.add_url_rule(path, endpoint=path, methods=HTTP_METHODS, view_func=view)
    return app


Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

# AWS has no such host in the first place; this is what a host of another region answers.
_NO_SUCH_REGION = AnswerFault(
    status=403,
    code="InvalidSignatureException",
    message="Credential should be scoped to a valid region.",
)


class Middleware:
    """A WSGI application around moto's: it notes each call, and lets those go wrong that are to go wrong."""

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
        self._world.calls.add(call)
        fault = self._world.faults.meet(call)
        if fault is not None:
            return self._fail(fault, call, environ, start)
        error = (
            access_denied()
            if refused(self._world.roles, call, body)
            else None
            if has_region(call)
            else _NO_SUCH_REGION
        )
        if error is not None:
            return _answer(error, call, start)
        try:
            return self._inner(environ, start)
        except NotImplementedError as lacking:
            # Moto says so by raising; as a 500 the SDKs would ask again and again.
            return _answer(
                AnswerFault(status=501, code="NotImplemented", message=f"The emulator: {lacking}"),
                call,
                start,
            )

    def _fail(
        self, fault: Fault, call: RecordedCall, environ: Environ, start: Start
    ) -> Iterable[bytes]:
        match fault:
            case AnswerFault():
                return _answer(fault, call, start)
            case ProxyPage():
                text = f"<html><head><title>Proxy</title></head><body><h1>{escape(call.path)}</h1></body></html>\n"
                return _reply(start, fault.status, text.encode(), "text/html; charset=utf-8")
            case Drop():
                return _hang_up(environ, start)
            case Hang():
                self._world.stopping.wait(min(fault.seconds, LONGEST_HANG))
                return _hang_up(environ, start)


def _answer(fault: AnswerFault, call: RecordedCall, start: Start) -> Iterable[bytes]:
    """An error in the form of its service: JSON with the name in header and body, or XML of the query protocol (STS, IAM, EC2)."""
    action, resource = call.iam
    message = fault.message or (
        f"User: arn:aws:iam::{call.account}:user/test is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    extra = [("Retry-After", str(fault.retry_after))] if fault.retry_after is not None else []
    if call.service in {"sts", "iam"}:
        sender = "Sender" if fault.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{sender}</Type><Code>{escape(fault.code.removesuffix('Exception'))}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>"
        )
        return _reply(start, fault.status, text.encode(), "text/xml", extra)
    if call.service == "s3":
        code = fault.code.removesuffix("Exception")
        text = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return _reply(start, fault.status, text.encode(), "application/xml", extra)
    if call.service == "ec2":
        # Source: AWS's EC2 reference, "Error codes": what is not allowed is an UnauthorizedOperation there.
        code = {"AccessDeniedException": "UnauthorizedOperation"}.get(
            fault.code, fault.code.removesuffix("Exception")
        )
        text = (
            f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
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
    # The caller may have been quicker.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    # The server writes this to the closed connection, which it takes for a caller that went away.
    return _reply(start, 200, b"", "text/plain")


PATIENCE = 5.0


class Server:
    """Serves the emulated AWS of a world, on a free port of 127.0.0.1, from its making until `stop`."""

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
        """The port that it listens on."""
        return self._server.port

    def stop(self) -> None:
        """Take no more requests, hang up on those that are open, and wait a few seconds at most for their threads."""
        self._world.stopping.set()
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.hang_up()


class _Quiet(MotoRequestHandler):
    """A handler that writes no line a request; the emulator keeps a log of its own."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Write nothing."""


class _Loopback(ThreadedWSGIServer):
    """Werkzeug's threaded server, which knows what connections are open."""

    def __init__(
        self, host: str, port: int, app: Callable[..., Any], handler: type[MotoRequestHandler]
    ) -> None:
        self._open: set[socket.socket] = set()
        self._changed = Condition()
        super().__init__(host, port, app, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread of its own."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has been served."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Close what is still open, and wait until the threads that serve it are through with it."""
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It was closed already.
                    continue
            self._changed.wait_for(lambda: not self._open, PATIENCE)
