"""What every operation that the emulator adds to moto needs of a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from moto.apigateway.models import apigateway_backends
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import BaseResponse

from checker.demo.emulator.certificates import Shelf, shelf_of
from checker.demo.emulator.errors import BadRequestError
from checker.demo.emulator.world import World


class GatewayRequest(BaseResponse):
    """One request to API Gateway, v1 or v2, in the world that its emulator is set to."""

    world: World

    @property
    def shelf(self) -> Shelf:
        """The client certificates of the account and region that the request is signed for; v2 stages present them too."""
        return shelf_of(apigateway_backends[self.current_account][self.region])

    def answer(self, *request: Any) -> Any:
        """Carry the request out, as moto's own `dispatch` does with an object of its own making."""
        return self._dispatch(*request)

    def query(self, name: str) -> str | None:
        """A parameter of the query string; moto's own reading falls back to the headers where there is none."""
        return parse_qs(self.parsed_url.query, keep_blank_values=True).get(name, [None])[0]

    def document(self) -> dict[str, Any]:
        """The JSON object in the body, empty where there is no body; BadRequest where it is something else."""
        try:
            document = json.loads(self.body or "{}")
        except ValueError as error:
            raise BadRequestError("Invalid request input") from error
        if not isinstance(document, dict):
            raise BadRequestError("Invalid request input")
        return document

    def reply(self, body: Mapping[str, Any], *, status: int = 200) -> TYPE_RESPONSE:
        """A JSON body with a status, in the form that moto wants it in."""
        headers = {"status": status, "Content-Type": "application/json"}
        return status, headers, "" if status == 204 else json.dumps(body)
