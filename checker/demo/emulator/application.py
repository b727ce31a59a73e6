"""Moto's application, with our operations in the place of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import HTTP_METHODS, DomainDispatcherApplication, create_backend_app

from checker.demo.emulator import rest, websocket
from checker.demo.emulator.world import World


def application(world: World) -> DomainDispatcherApplication:
    """Moto's dispatcher, which makes one application a service when the service is first called.

    What moto's own modules hold is left as it is: only the applications that this dispatcher makes answer differently, so
    other users of moto in the process see no change.
    """

    def create(service: Any) -> Flask:
        return _extended(create_backend_app(service), world)

    return DomainDispatcherApplication(create)


def _extended(app: Flask, world: World) -> Flask:
    replacements: dict[str, Callable[..., Any]] = {
        "APIGatewayResponse.dispatch": lambda *request: rest.RestGateway(world).answer(*request),
        "ApiGatewayV2Response.dispatch": lambda *request: websocket.WebSocketGateway(world).answer(*request),
    }
    paths = {"APIGatewayResponse.dispatch": rest.PATHS, "ApiGatewayV2Response.dispatch": websocket.PATHS}
    for replaced, handler in replacements.items():
        # Moto numbers the endpoints that share a handler.
        endpoints = [name for name in app.view_functions if name.rstrip("0123456789") == replaced]
        if not endpoints:
            continue
        view = convert_to_flask_response(handler)
        for endpoint in endpoints:
            app.view_functions[endpoint] = view
        for path in paths[replaced]:
            app.add_url_rule(path, endpoint=f"tfcert:{path}", methods=HTTP_METHODS, view_func=view, strict_slashes=False)
    return app
