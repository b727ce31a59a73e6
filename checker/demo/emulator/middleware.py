"""What stands before moto: the control paths, the log of calls, and the faults."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from html import escape
from http import HTTPStatus
from typing import Any

from checker.demo.emulator.calls import RecordedCall
from checker.demo.emulator.control import PREFIX, Control
from checker.demo.emulator.entering import refused
from checker.demo.emulator.faults import LONGEST_HANG, AnswerFault, Drop, Fault, Hang, ProxyPage, access_denied
from checker.demo.emulator.identifying import buffered, has_region, identify
from checker.demo.emulator.world import World

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

# AWS has no such host in the first place; this is what a host of another region answers.
_NO_SUCH_REGION = AnswerFault(status=403, code="InvalidSignatureException", message="Credential should be scoped to a valid region.")


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
            status, document = self._control.serve(environ["REQUEST_METHOD"], path.removeprefix(PREFIX), body)
            return _reply(start, status, json.dumps(document).encode(), "application/json")
        if path.startswith("/moto-api"):
            return self._inner(environ, start)
        call = identify(environ, body)
        self._world.calls.add(call)
        fault = self._world.faults.meet(call)
        if fault is not None:
            return self._fail(fault, call, environ, start)
        error = access_denied() if refused(self._world.roles, call, body) else None if has_region(call) else _NO_SUCH_REGION
        if error is not None:
            return _answer(error, call, start)
        try:
            return self._inner(environ, start)
        except NotImplementedError as lacking:
            # Moto says so by raising; as a 500 the SDKs would ask again and again.
            return _answer(AnswerFault(status=501, code="NotImplemented", message=f"The emulator: {lacking}"), call, start)

    def _fail(self, fault: Fault, call: RecordedCall, environ: Environ, start: Start) -> Iterable[bytes]:
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
        code = {"AccessDeniedException": "UnauthorizedOperation"}.get(fault.code, fault.code.removesuffix("Exception"))
        text = (
            f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{secrets.token_hex(16)}</RequestID></Response>"
        )
        return _reply(start, fault.status, text.encode(), "text/xml", extra)
    extra.append(("x-amzn-ErrorType", fault.code))
    return _reply(start, fault.status, json.dumps({"__type": fault.code, "message": message}).encode(), "application/json", extra)


def _reply(start: Start, status: int, body: bytes, content_type: str, extra: Iterable[tuple[str, str]] = ()) -> Iterable[bytes]:
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
