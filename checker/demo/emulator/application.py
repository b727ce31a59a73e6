"""Moto's application, with our operations in the place of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

from flask import Flask
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import HTTP_METHODS, DomainDispatcherApplication, create_backend_app

from checker.demo.emulator.rest import RestGateway
from checker.demo.emulator.websocket import WebSocketGateway
from checker.demo.emulator.world import World

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
    rest = convert_to_flask_response(_one_at_a_time(lambda *request: RestGateway(world).answer(*request)))
    websocket = convert_to_flask_response(_one_at_a_time(lambda *request: WebSocketGateway(world).answer(*request)))
    views = {_REST: rest, _WEBSOCKET: websocket}
    for endpoint in app.view_functions:
        view = views.get(endpoint.rstrip("0123456789"))
        if view is not None:
            app.view_functions[endpoint] = view
    # Moto's table of paths lacks some; which operation a path is, is told from AWS's model in any case.
    for path, view in (("/v2/<path:rest>", websocket), ("/<path:rest>", rest)):
        app.add_url_rule(path, endpoint=path, methods=HTTP_METHODS, view_func=view)
    return app
