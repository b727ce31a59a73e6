"""An HTTP server on 127.0.0.1 that accepts and answers only what an OpenAPI description allows.

A request or an answer that differs from the description is a violation. The server answers it with
500 and records it, and a test with any violation fails.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from openapi_schema_validator import OAS30Validator


@dataclass(kw_only=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object
    values: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Answer:
    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Fault:
    """An answer that replaces the real one, `times` times.

    With `heard` the request is carried out nevertheless.
    """

    method: str
    path: str
    answer: Answer | None
    times: int = 1
    heard: bool = False

    def meets(self, request: Request) -> bool:
        return (
            self.times > 0
            and request.method == self.method
            and re.search(self.path, request.path) is not None
        )


class ViolationError(Exception):
    """A request or an answer that the description does not allow."""


class UnlistedError(Exception):
    """An answer that the forge gives and its description omits.

    It is not compared with the description.
    """

    def __init__(self, answer):
        super().__init__(answer.status)
        self.answer = answer


class Description:
    """The parts of an OpenAPI description that are needed to validate requests and answers."""

    def __init__(self, document):
        self._document = _with_nulls(document)
        self._validators = {}
        self._routes = [
            (
                re.compile("/".join(_pattern(part) for part in path.split("/")) + r"\Z"),
                path,
            )
            for path in sorted(document["paths"], key=_takes_the_rest)
        ]

    def operation(self, request):
        methods = None
        for pattern, path in self._routes:
            found = pattern.match(request.path)
            if found is None:
                continue
            operation = self._document["paths"][path].get(request.method.lower())
            if operation is None:
                methods = path
                continue
            names = re.findall(r"\{(.+?)\}", path)
            request.values = {
                name: unquote(text) for name, text in zip(names, found.groups(), strict=True)
            }
            return path, operation
        if methods is not None:
            raise ViolationError(f"{methods} has no {request.method}")
        raise ViolationError(f"no path is like {request.method} {request.path}")

    def hold_request(self, request, operation):  # noqa: C901 -- a list of what can be wrong
        known = {"query": {}, "path": {}, "header": {}}
        for parameter in map(self._resolved, operation.get("parameters", ())):
            known[parameter["in"]][parameter["name"]] = parameter
        for name in request.query:
            if name not in known["query"]:
                raise ViolationError(f"no parameter {name}")
        for place, given in (("query", request.query), ("path", request.values)):
            for name, parameter in known[place].items():
                if name in given:
                    self._hold(
                        _typed(given[name], parameter["schema"]),
                        parameter["schema"],
                        f"parameter {name}",
                    )
                elif parameter.get("required"):
                    raise ViolationError(f"parameter {name} is missing")
        body = operation.get("requestBody")
        if body is None:
            if request.body is not None and request.body != {}:
                raise ViolationError("a body that nobody asked for")
        elif "json" not in request.headers.get("content-type", ""):
            raise ViolationError("a body that is no JSON")
        else:
            schema = body["content"]["application/json"]["schema"]
            self._hold(request.body, schema, "body")
            strange = set(request.body) - self._properties(schema)
            if strange:
                raise ViolationError(f"the body has no {strange}")

    def _properties(self, schema):
        """Return the names that an object can have, including those of its parts."""
        schema = self._resolved(schema)
        parts = (
            self._properties(part)
            for name in ("allOf", "anyOf", "oneOf")
            for part in schema.get(name, ())
        )
        return set(schema.get("properties", ())).union(*parts)

    def hold_answer(self, answer, operation):
        response = operation["responses"].get(str(answer.status))
        if response is None:
            raise ViolationError(f"no answer {answer.status}")
        content = self._resolved(response).get("content", {}).get("application/json")
        if content is not None:
            self._hold(answer.body, content["schema"], f"answer {answer.status}")
        elif answer.body is not None:
            raise ViolationError(f"answer {answer.status} has no body")

    def smallest(self, schema):  # noqa: PLR0911 -- a case of a schema each
        """Return the smallest value that a schema allows, for fields that no test reads."""
        schema = self._resolved(schema)
        for name in ("allOf", "anyOf", "oneOf"):
            if name in schema:
                return self.smallest(schema[name][0])
        if schema.get("nullable"):
            return None
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                return {
                    name: self.smallest(schema["properties"][name])
                    for name in schema.get("required", ())
                }
            case "array":
                return []
            case "integer" | "number":
                return 1
            case "boolean":
                return False
        return {"date-time": "2026-11-23T00:00:00Z", "uri": "https://github.example/x"}.get(
            schema.get("format"), "x"
        )

    def schema(self, name):
        return self._document["components"]["schemas"][name]

    def _resolved(self, entry):
        while "$ref" in entry:
            _, *parts = entry["$ref"].split("/")
            entry = self._document
            for part in parts:
                entry = entry[part]
        return entry

    def _hold(self, value, schema, what):
        # The schema is stored with its validator, so that no other object gets its id.
        if id(schema) not in self._validators:
            components = self._document.get("components", {})
            made = OAS30Validator({"allOf": [schema], "components": components})
            self._validators[id(schema)] = schema, made
        _, validator = self._validators[id(schema)]
        for error in validator.iter_errors(value):
            raise ViolationError(f"{what}: {error.json_path}: {error.message}")


# Parts of a path whose values may have slashes: GitHub marks two of them (x-multi-segment) and documents the others so.
_LONG = {"{ref}", "{branch}", "{path}", "{basehead}", "{tree_sha}"}


def _with_nulls(entry):
    """Return the description with null among the choices of nullable values, because the validator
    applies `nullable` to a type only.
    """
    if isinstance(entry, list):
        return [_with_nulls(each) for each in entry]
    if not isinstance(entry, dict):
        return entry
    made = {name: _with_nulls(each) for name, each in entry.items()}
    if made.get("nullable") is True:
        for name in {"anyOf", "oneOf"} & made.keys():
            made[name] = [*made[name], {"enum": [None], "nullable": True}]
    return made


def _takes_the_rest(path):
    return not _LONG.isdisjoint(path.split("/"))


def _pattern(part):
    if part in _LONG:
        return "(.+)"
    return "([^/]+)" if part.startswith("{") else re.escape(part)


def _typed(text, schema):
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


class StrictServer:
    """The server. Subclasses define the behaviour of a forge in `handle`."""

    description: Description

    def __init__(self):
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.before: list[Callable[[Request], None]] = []
        self.lock = threading.RLock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _serve(self):
                answer = server.serve(_request(self))
                if answer is None:
                    self.close_connection = True
                    return
                data = b"" if answer.body is None else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                headers = {
                    "Content-Type": "application/json; charset=utf-8",
                    "Content-Length": str(len(data)),
                    **answer.headers,
                }
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 -- the names of http.server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=10)

    def discard(self):
        """Close a server that was never started."""
        self._http.server_close()

    def writes(self):
        """Return the requests that change something, including those that were refused."""
        return [
            f"{request.method} {request.path}" for request in self.requests if self.changes(request)
        ]

    def changes(self, request):
        return request.method != "GET"

    def serve(self, request):
        for hook in list(self.before):
            hook(request)
        with self.lock:
            self.requests.append(request)
            try:
                fault = next((fault for fault in self.faults if fault.meets(request)), None)
                answer = self.respond(request) if fault is None or fault.heard else None
                if fault is not None:
                    fault.times -= 1
                    answer = fault.answer
            except ViolationError as violation:
                self.violations.append(f"{request.method} {request.path}: {violation}")
                answer = Answer(status=500, body={"message": str(violation)})
            return answer

    def respond(self, request):
        path, operation = self.description.operation(request)
        self.description.hold_request(request, operation)
        try:
            answer = self.handle(path, request)
        except UnlistedError as unlisted:
            return unlisted.answer
        self.description.hold_answer(answer, operation)
        return answer


def _request(handler):
    split = urlsplit(handler.path)
    length = int(handler.headers.get("Content-Length") or 0)
    data = handler.rfile.read(length)
    return Request(
        method=handler.command,
        path=split.path,
        query=dict(parse_qsl(split.query, keep_blank_values=True)),
        headers={name.lower(): text for name, text in handler.headers.items()},
        body=json.loads(data) if data else None,
    )
