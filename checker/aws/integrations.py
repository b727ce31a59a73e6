"""The methods of a REST API, and the backends behind their integrations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from checker.aws import responses
from checker.model.probe import ProbeBackend

# Only these types present a client certificate. Source: API Gateway developer guide, "Generate and
# configure an SSL certificate for backend authentication".
PRESENTING = frozenset({"HTTP", "HTTP_PROXY"})
_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """What API Gateway calls for a method; `connection_id` is the id of a VPC link."""

    type: str
    uri: str | None = None
    connection_type: str | None = None
    connection_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiMethod:
    """A method of a resource; the verb may be ANY.

    `required` is whether a caller has to give a parameter.
    """

    resource_id: str
    path: str
    verb: str
    required: bool = False
    integration: Integration | None = None

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"


@dataclass(frozen=True, slots=True)
class NoBackend:
    """An integration whose backend is not known: the reason, as a sentence without a period."""

    reason: str


def parse_methods(items: Iterable[Mapping[str, Any]]) -> tuple[ApiMethod, ...]:
    """Parse the items of GetResources with embedded methods, and sort them by path and verb.

    Raises ValueError for other answers. AWS documents no order of its own. Source: botocore's
    `apigateway` model, `Resource`, `Method` and `Integration`.
    """
    found = (
        ApiMethod(
            resource_id=responses.required_text(item, "id"),
            path=responses.required_text(item, "path"),
            verb=verb,
            required=any(_mapping(method.get("requestParameters")).values()),
            integration=_integration(method.get("methodIntegration")),
        )
        for item in items
        for verb, method in _mapping(item.get("resourceMethods")).items()
        if isinstance(method, Mapping)
    )
    return tuple(sorted(found, key=lambda method: (method.path, method.verb)))


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _integration(found: object) -> Integration | None:
    if not isinstance(found, Mapping):
        return None
    return Integration(
        type=responses.required_text(found, "type"),
        uri=responses.optional_text(found, "uri"),
        connection_type=responses.optional_text(found, "connectionType"),
        connection_id=responses.optional_text(found, "connectionId"),
    )


def backend_of(
    integration: Integration, variables: Mapping[str, str]
) -> ProbeBackend | NoBackend | None:
    """Return the backend of an integration; None if it presents no client certificate.

    `variables` are those of the stage. A user and a password in the URI are left out.
    """
    if integration.type not in PRESENTING:
        return None
    link = integration.connection_id or ""
    uri = integration.uri or ""
    for name in _VARIABLE.findall(uri + link):
        if name not in variables:
            return NoBackend(
                f"an integration names the stage variable {name}, which the stage does not have"
            )
    uri, link = (_VARIABLE.sub(lambda found: variables[found[1]], text) for text in (uri, link))
    if integration.connection_type == "VPC_LINK" and not link:
        return NoBackend("a private integration names no VPC link")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in _PORTS or re.search(r"[{}$]", host):
        return NoBackend("the URI of an integration names no host")
    return ProbeBackend(
        scheme=parts.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=port if port is not None else _PORTS[parts.scheme],
        vpc_link=link if integration.connection_type == "VPC_LINK" else None,
    )


def method_for(methods: Iterable[ApiMethod], verb: str, path: str) -> ApiMethod | None:
    """Return the method that API Gateway uses for a request; None if the API has none.

    A literal segment comes before `{name}`, and that before `{proxy+}`. A verb comes before ANY.
    Source: API Gateway developer guide, "Set up a proxy integration with a proxy resource".
    """
    wanted = path.partition("?")[0].strip("/").split("/")
    ranked = [
        (rank, method.verb == "ANY", index, method)
        for index, method in enumerate(methods)
        if (rank := _rank(method.path.strip("/").split("/"), wanted)) is not None
    ]
    if not ranked:
        return None
    best = min(rank for rank, *_ in ranked)
    fitting = [each for each in ranked if each[0] == best and each[3].verb in {verb, "ANY"}]
    return min(fitting)[3] if fitting else None


def _rank(template: list[str], wanted: list[str]) -> tuple[int, ...] | None:
    """Return how a resource fits a path, the best first; None if it does not."""
    ranks: list[int] = []
    for index, part in enumerate(template):
        if part.startswith("{") and part.endswith("+}"):
            return (*ranks, 2) if "".join(wanted[index:]) else None
        if index >= len(wanted):
            return None
        if part == wanted[index]:
            ranks.append(0)
        elif part.startswith("{") and wanted[index]:
            ranks.append(1)
        else:
            return None
    return tuple(ranks) if len(template) == len(wanted) else None


def first_get(methods: Iterable[ApiMethod]) -> ApiMethod | None:
    """Return the first GET by path without path or required parameters, else such an ANY."""
    fitting = (
        method
        for method in methods
        if method.verb in {"GET", "ANY"} and "{" not in method.path and not method.required
    )
    return min(fitting, key=lambda method: (method.verb == "ANY", method.path), default=None)
