"""API Gateway's second version: moto's, with stages that can be changed, deployments, tags of stages, and pages."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.paging import page
from checker.demo.emulator.websocket_stages import WebSocketStageOperations
from checker.demo.emulator.world import World

_STAGE_ARN = re.compile(r"arn:[\w-]+:apigateway:[\w-]+::/apis/(?P<api>[^/]+)/stages/(?P<stage>[^/]+)")


class WebSocketGateway(WebSocketStageOperations):
    """One request to API Gateway's second version, which has WebSocket and HTTP APIs."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def get_apis(self) -> TYPE_RESPONSE:
        """List a page of the APIs; moto gives all of them. The size of a page is not documented: here it is the first's."""
        apis = self.apigatewayv2_backend.apis
        items, token = page(apis, limit=self.query("maxResults"), position=self.query("nextToken"))
        body = {"items": [api.to_json() for api in items]}
        return self.reply(body | ({"nextToken": token} if token else {}))

    def get_tags(self) -> TYPE_RESPONSE:
        """Answer with the tags of a resource; a stage's are its own, where moto looks for them among the APIs'."""
        stage = self._tagged_stage()
        return super().get_tags() if stage is None else self.reply({"tags": stage.tags})

    def tag_resource(self) -> TYPE_RESPONSE:
        """Add tags, over those of the same keys."""
        stage = self._tagged_stage()
        if stage is None:
            return super().tag_resource()
        stage.tags = {**stage.tags, **(self.document().get("tags") or {})}
        return self.reply({}, status=201)

    def untag_resource(self) -> TYPE_RESPONSE:
        """Take tags away."""
        stage = self._tagged_stage()
        if stage is None:
            return super().untag_resource()
        gone = parse_qs(self.parsed_url.query).get("tagKeys", [])
        stage.tags = {key: value for key, value in stage.tags.items() if key not in gone}
        return self.reply({}, status=204)

    def _tagged_stage(self) -> Any:
        named = _STAGE_ARN.fullmatch(unquote(self.path.split("/tags/", 1)[1]))
        if named is None:
            return None
        return self.apigatewayv2_backend.get_api(named["api"]).get_stage(named["stage"])
