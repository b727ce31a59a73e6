"""Resources, methods and integrations of REST APIs, and the test calls of their backends.

Moto has the resources; the VPC link of an integration, pages and TestInvokeMethod are added.
Source: botocore's `apigateway` 2015-07-09.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode

from moto.apigateway.models import APIGatewayBackend, apigateway_backends
from moto.apigateway.responses import APIGatewayResponse
from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.backend_calls import LONGEST, BackendAnswer, Failure, call_backend
from checker.demo.emulator.errors import BadRequestError, NotFoundError
from checker.demo.emulator.paging import page
from checker.demo.emulator.requests import GatewayRequest, out_of_turn
from checker.demo.emulator.seeds import SeedApi, SeedMethod
from checker.demo.emulator.state import LogForm

_LINK = "connection_id"
_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_MAPPED = re.compile(r"integration\.request\.(header|querystring|path)\.(.+)")
_SOURCE = re.compile(r"method\.request\.(header|querystring|path)\.(.+)")


class MethodOperations(GatewayRequest, APIGatewayResponse):
    """The operations on resources, methods and integrations that moto lacks or answers in part."""

    def get_resources(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto declares str
        """List a page of the resources; methods are complete only with `embed=methods`."""
        resources = {each.id: each for each in self._moto.get_resources(self._part(2))}
        items, position = page(
            resources, limit=self.query("limit"), position=self.query("position")
        )
        body = {"item": [self._shown_resource(each) for each in items]}
        return self.reply(body | ({"position": position} if position else {}))

    def get_resource(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as above
        """Return one resource."""
        found = self._moto.get_resource(self._part(2), self._part(4))
        return self.reply(self._shown_resource(found))

    def get_method(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as above
        """Return one method with its integration."""
        return self.reply(_method(self._moto.get_method(*self._names)))

    def get_integration(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as above
        """Return one integration."""
        found = self._moto.get_integration(*self._names)
        if found is None:
            raise NotFoundError("No integration defined for method")
        return self.reply(_integration(found))

    def put_integration(self) -> TYPE_RESPONSE:
        """Create or replace an integration, with the id of its VPC link."""
        super().put_integration()
        found = self._moto.get_integration(*self._names)
        vars(found)[_LINK] = self.document().get("connectionId")
        return self.reply(_integration(found), status=201)

    def test_invoke_method(self) -> TYPE_RESPONSE:
        """Call the backend of a method, and return its answer with a log.

        A failed handshake gives status 500, an unreachable backend 504, each without its body.
        That is expected of API Gateway; its documentation does not say it.
        """
        api_id, resource_id, verb = self._names
        asked = self.document()
        resource = self._moto.get_resource(api_id, resource_id)
        method = resource.resource_methods.get(verb) or resource.get_method("ANY")
        integration = method.method_integration
        if integration is None:
            raise BadRequestError("No integration defined for method")
        identity = asked.get("clientCertificateId")
        certificate = self.store.get(identity) if identity else None
        match integration.integration_type:
            case "HTTP" | "HTTP_PROXY":
                call = _Request(asked, resource.get_path(), verb, integration)
                with out_of_turn():
                    answer = call_backend(
                        call.verb,
                        call.uri,
                        headers=call.headers,
                        body=asked.get("body") or "",
                        certificate=certificate,
                        timeout=min(float(integration.timeout_in_millis or 29000) / 1000, LONGEST),
                    )
            case "MOCK":
                answer = BackendAnswer(status=200, latency=0)
            case kind:
                raise NotImplementedError(f"a test call of an integration of type {kind}")
        return self.reply(_answer(answer, integration, self.world.test_log))

    @property
    def _moto(self) -> APIGatewayBackend:
        return apigateway_backends[self.current_account][self.region]

    def _part(self, index: int) -> str:
        return unquote(self.path.rstrip("/").split("/")[index])

    @property
    def _names(self) -> tuple[str, str, str]:
        return self._part(2), self._part(4), self._part(6)

    def _shown_resource(self, resource: Any) -> dict[str, Any]:
        body: dict[str, Any] = resource.to_dict()
        if resource.resource_methods:
            embedded = "methods" in parse_qs(self.parsed_url.query).get("embed", [])
            body["resourceMethods"] = {
                verb: _method(method) if embedded else {}
                for verb, method in resource.resource_methods.items()
            }
        return body


def _method(method: Any) -> dict[str, Any]:
    body: dict[str, Any] = method.to_json()
    if method.method_integration is not None:
        body["methodIntegration"] = _integration(method.method_integration)
    return _present(body)


def _integration(integration: Any) -> dict[str, Any]:
    body: dict[str, Any] = integration.to_json()
    return _present(body | {"connectionId": vars(integration).get(_LINK)})


def _present(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


class _Request:
    """The request to a backend that a test call makes.

    A proxy integration passes headers and the query on; another one passes what its
    `requestParameters` name. Both take path parameters from them.
    """

    def __init__(
        self, asked: Mapping[str, Any], template: str, verb: str, integration: Any
    ) -> None:
        path, _, query = (asked.get("pathWithQueryString") or template).partition("?")
        variables = asked.get("stageVariables") or {}
        given: dict[str, dict[str, str]] = {
            "header": {name.lower(): text for name, text in (asked.get("headers") or {}).items()},
            "querystring": {name: texts[-1] for name, texts in parse_qs(query).items()},
            "path": _path_values(template, path),
        }
        mapped: dict[str, dict[str, str]] = {"header": {}, "querystring": {}, "path": {}}
        for name, source in (integration.request_parameters or {}).items():
            to, of = _MAPPED.fullmatch(name), _SOURCE.fullmatch(source)
            if to is not None and of is not None:
                own = of[2].lower() if of[1] == "header" else of[2]
                if own in given[of[1]]:
                    mapped[to[1]][to[2]] = given[of[1]][own]
        proxy = integration.integration_type == "HTTP_PROXY"
        uri = _VARIABLE.sub(lambda found: variables.get(found[1], ""), integration.uri)
        for name, text in mapped["path"].items():
            uri = uri.replace(f"{{{name}}}", quote(text, safe="/"))
        extra = query if proxy else urlencode(mapped["querystring"])
        self.uri = f"{uri}{'&' if '?' in uri else '?'}{extra}" if extra else uri
        self.headers: dict[str, str] = (
            {**(asked.get("headers") or {}), **mapped["header"]} if proxy else mapped["header"]
        )
        self.verb: str = verb if integration.http_method == "ANY" else integration.http_method


def _path_values(template: str, path: str) -> dict[str, str]:
    """Return the values of the path parameters of a resource; empty if the path does not fit."""
    values: dict[str, str] = {}
    parts = path.split("/")
    for index, name in enumerate(template.split("/")):
        own = parts[index : None if name.endswith("+}") else index + 1]
        if name.startswith("{"):
            values[name.strip("{}+")] = unquote("/".join(own))
        elif own != [name]:
            return {}
    return values


def _answer(answer: BackendAnswer, integration: Any, form: LogForm) -> dict[str, Any]:
    match answer.failure:
        case Failure.HANDSHAKE:
            status, body = 500, '{"message": "Internal server error"}'
        case Failure.NETWORK:
            status, body = 504, '{"message": "Endpoint request timed out"}'
        case None:
            status, body = _mapped_status(answer, integration), answer.body
    log = _LOGS[form](answer, status)
    return {
        "status": status,
        "body": body,
        "headers": dict(answer.headers),
        "multiValueHeaders": {name: [text] for name, text in answer.headers.items()},
        "latency": answer.latency,
        **({"log": log} if log is not None else {}),
    }


def _mapped_status(answer: BackendAnswer, integration: Any) -> int:
    """Return the status of a method response; a proxy integration passes the backend's own on.

    Otherwise the integration response whose pattern matches it counts, and one without a pattern
    is for the rest. Source: API Gateway developer guide, "Set up integration responses".
    """
    status = answer.status or 500
    if integration.integration_type != "HTTP":
        return status
    known = (integration.integration_responses or {}).values()
    for response in known:
        if response.selection_pattern and re.fullmatch(response.selection_pattern, str(status)):
            return int(response.status_code)
    return next((int(each.status_code) for each in known if not each.selection_pattern), 500)


def _as_console(answer: BackendAnswer, status: int) -> str:
    took = f"Integration latency: {answer.latency} ms"
    why = {
        Failure.HANDSHAKE: "Execution failed due to configuration error: bad_certificate alert",
        Failure.NETWORK: "Execution failed due to a network error communicating with endpoint",
        None: f"Received response. Status: {answer.status}, {took}",
    }[answer.failure]
    moment = "Sun Nov 29 00:00:00 UTC 2026"
    return (
        f"Execution log for request 6b1f\n{moment} : Starting execution for request: 6b1f\n"
        f"{moment} : {why}\n{moment} : Method completed with status: {status}\n"
    )


def _as_json(answer: BackendAnswer, status: int) -> str:
    lines = [{"event": "integration", "outcome": answer.failure or "done"}, {"status": status}]
    return "\n".join(map(json.dumps, lines))


def _chatty(answer: BackendAnswer, status: int) -> str:
    """Mention TLS always, and the failure never: a log that misleads who reads it."""
    return (
        f"TLS handshake: certificate offered; SSL session reused; {status} in {answer.latency} ms"
    )


_LOGS: Mapping[LogForm, Callable[[BackendAnswer, int], str | None]] = {
    LogForm.NONE: lambda _answer, _status: None,
    LogForm.CONSOLE: _as_console,
    LogForm.JSON: _as_json,
    LogForm.CHATTY: _chatty,
}


def put_methods(seed: SeedApi) -> None:
    """Create the resources, methods and integrations of a seeded REST API."""
    backend = apigateway_backends[seed.account][seed.region]
    root = next(each for each in backend.get_resources(seed.id) if each.parent_id is None)
    known = {"/": root}
    for name, method in seed.methods.items():
        verb, _, path = name.partition(" ")
        at = "/"
        for part in filter(None, path.split("/")):
            parent, at = known[at], f"{at.rstrip('/')}/{part}"
            if at not in known:
                known[at] = backend.create_resource(seed.id, parent.id, part)
        _put_method(backend, seed.id, known[at].id, verb, method)


def _put_method(
    backend: APIGatewayBackend, api_id: str, resource_id: str, verb: str, method: SeedMethod
) -> None:
    backend.put_method(
        api_id, resource_id, verb, "NONE", request_parameters=dict(method.parameters)
    )
    backend.put_integration(
        api_id,
        resource_id,
        verb,
        method.type,
        method.uri,
        integration_method=method.verb or verb,
        request_parameters=dict(method.mapped),
        connection_type="VPC_LINK" if method.vpc_link is not None else "INTERNET",
    )
    vars(backend.get_integration(api_id, resource_id, verb))[_LINK] = method.vpc_link
    for status, pattern in method.responses.items():
        backend.put_integration_response(api_id, resource_id, verb, status, pattern, {}, {})
