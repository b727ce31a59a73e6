"""The stage operations of API Gateway's second version: moto keeps a stage as it was created, and lacks UpdateStage."""

from __future__ import annotations

from typing import Any

from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.errors import BadRequestError, ConflictError
from checker.demo.emulator.paging import page
from checker.demo.emulator.presenting import presented
from checker.demo.emulator.websocket_deployments import DeploymentOperations, iso

# What UpdateStage replaces, and the attribute of moto's stage that holds it.
_REPLACED = {
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "clientCertificateId": "client_certificate_id",
    "defaultRouteSettings": "default_route_settings",
    "deploymentId": "deployment_id",
    "description": "description",
}


class WebSocketStageOperations(DeploymentOperations):
    """CreateStage, UpdateStage, GetStage, GetStages and DeleteAccessLogSettings, with certificate, deployment and dates."""

    def create_stage(self) -> TYPE_RESPONSE:
        """Create a stage, which here may present a certificate from the start."""
        asked = self.document()
        with self.world.lock:
            api = self.api()
            if asked.get("stageName") in api.stages:
                raise ConflictError("Stage already exists")
            self._check(api, asked)
            stage = api.create_stage(asked)
            vars(stage)["deployment_id"] = asked.get("deploymentId")
        return self.reply(self._shown(stage), status=201)

    def get_stage(self) -> TYPE_RESPONSE:
        """Answer with one stage."""
        return self.reply(self._shown(self._stage()))

    def get_stages(self) -> TYPE_RESPONSE:
        """List a page of the stages of an API."""
        items, token = page(self.api().stages, limit=self.query("maxResults"), position=self.query("nextToken"))
        body = {"items": [self._shown(stage) for stage in items]}
        return self.reply(body | ({"nextToken": token} if token else {}))

    def update_stage(self) -> TYPE_RESPONSE:
        """Change what the request names; an empty certificate id takes the certificate off.

        Stage variables are merged, and those with an empty value go. Source: the provider's `apigatewayv2/stage.go`, which
        sends the empty string for both, and whose acceptance test shows AWS taking it (`facts/formats.md` 3).
        """
        asked = self.document()
        with self.world.lock:
            stage = self._stage()
            self._check(self.api(), asked)
            vars(stage).update({_REPLACED[name]: value for name, value in asked.items() if name in _REPLACED})
            variables = {**stage.stage_variables, **(asked.get("stageVariables") or {})}
            stage.stage_variables = {name: value for name, value in variables.items() if value}
            stage.route_settings = {**stage.route_settings, **(asked.get("routeSettings") or {})}
            vars(stage)["updated_at"] = self.world.clock.now()
        return self.reply(self._shown(stage))

    def delete_access_log_settings(self) -> TYPE_RESPONSE:
        """Let a stage log no access."""
        self._stage().access_log_settings = None
        return self.reply({}, status=204)

    def _check(self, api: Any, asked: dict[str, Any]) -> None:
        id_ = asked.get("clientCertificateId")
        if not id_:
            return
        if api.protocol_type != "WEBSOCKET":
            raise BadRequestError("Client certificates are supported for WebSocket APIs only")
        self.shelf.require(id_)

    def _stage(self) -> Any:
        return self.api().get_stage(self.segment(5))

    def _shown(self, stage: Any) -> dict[str, Any]:
        marks = vars(stage)
        created = marks.setdefault("created_at", self.world.clock.now())
        updated = marks.setdefault("updated_at", created)
        body: dict[str, Any] = stage.to_json()
        body |= {"createdDate": iso(created), "lastUpdatedDate": iso(updated)}
        optional = {"clientCertificateId": presented(stage), "deploymentId": marks.get("deployment_id")}
        return body | {name: value for name, value in optional.items() if value}
