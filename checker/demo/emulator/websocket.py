"""API Gateway v2: deployments, stages and tags of WebSocket and HTTP APIs."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.errors import BadRequestError, ConflictError, NotFoundError
from checker.demo.emulator.paging import page
from checker.demo.emulator.requests import GatewayRequest
from checker.demo.emulator.stages import presented
from checker.demo.emulator.state import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment of a WebSocket or HTTP API; it succeeds at once."""

    id: str
    created_at: datetime
    description: str | None

    def answer(self) -> dict[str, Any]:
        """Return the deployment in the form of the API."""
        body: dict[str, Any] = {
            "deploymentId": self.id,
            "createdDate": iso(self.created_at),
            "deploymentStatus": "DEPLOYED",
            "autoDeployed": False,
        }
        return body | ({"description": self.description} if self.description else {})


def iso(instant: datetime) -> str:
    """Return an instant in the form of v2: in whole seconds of UTC."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


class DeploymentOperations(GatewayRequest, ApiGatewayV2Response):
    """The deployment operations; a deployment is an attribute of moto's API object.

    It is deleted with that object.
    """

    def create_deployment(self) -> TYPE_RESPONSE:
        """Deploy an API, and move the stage in the request to the new deployment."""
        asked = self.document()
        api = self.api()
        stage = api.get_stage(asked["stageName"]) if asked.get("stageName") else None
        made = Deployment(
            id=secrets.token_hex(3),
            created_at=self.world.clock.now(),
            description=asked.get("description"),
        )
        self._deployments()[made.id] = made
        if stage is not None:
            vars(stage)["deployment_id"] = made.id
        return self.reply(made.answer(), status=201)

    def get_deployment(self) -> TYPE_RESPONSE:
        """Return one deployment."""
        return self.reply(self._one().answer())

    def get_deployments(self) -> TYPE_RESPONSE:
        """List a page of the deployments of an API."""
        items, token = page(
            self._deployments(), limit=self.query("maxResults"), position=self.query("nextToken")
        )
        body = {"items": [item.answer() for item in items]}
        return self.reply(body | ({"nextToken": token} if token else {}))

    def update_deployment(self) -> TYPE_RESPONSE:
        """Change a deployment's description."""
        changed = replace(self._one(), description=self.document().get("description"))
        self._deployments()[changed.id] = changed
        return self.reply(changed.answer())

    def delete_deployment(self) -> TYPE_RESPONSE:
        """Delete a deployment that no stage uses."""
        found = self._one()
        for stage in self.api().stages.values():
            if getattr(stage, "deployment_id", None) == found.id:
                raise BadRequestError(
                    "Active stages pointing to this deployment must be moved or deleted"
                )
        del self._deployments()[found.id]
        return self.reply({}, status=204)

    def api(self) -> Any:
        """Return moto's object of the API in the path; raises NotFoundError if it is missing."""
        return self.apigatewayv2_backend.get_api(self.segment(3))

    def segment(self, index: int) -> str:
        """Return a segment of the path, counted from 0 before the first slash."""
        return unquote(self.path.rstrip("/").split("/")[index])

    def _deployments(self) -> dict[str, Deployment]:
        deployments: dict[str, Deployment] = vars(self.api()).setdefault("deployments", {})
        return deployments

    def _one(self) -> Deployment:
        id_ = self.segment(5)
        if id_ not in self._deployments():
            raise NotFoundError(f"Invalid Deployment identifier specified {id_}")
        return self._deployments()[id_]


# The fields of UpdateStage, and the attribute of moto's stage for each.
_REPLACED = {
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "clientCertificateId": "client_certificate_id",
    "defaultRouteSettings": "default_route_settings",
    "deploymentId": "deployment_id",
    "description": "description",
}


class WebSocketStageOperations(DeploymentOperations):
    """The stage operations, with certificate, deployment and dates.

    These are CreateStage, UpdateStage, GetStage, GetStages and DeleteAccessLogSettings.
    """

    def create_stage(self) -> TYPE_RESPONSE:
        """Create a stage; in v2 it may present a certificate from the start."""
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
        """Return one stage."""
        return self.reply(self._shown(self._stage()))

    def get_stages(self) -> TYPE_RESPONSE:
        """List a page of the stages of an API."""
        items, token = page(
            self.api().stages, limit=self.query("maxResults"), position=self.query("nextToken")
        )
        body = {"items": [self._shown(stage) for stage in items]}
        return self.reply(body | ({"nextToken": token} if token else {}))

    def update_stage(self) -> TYPE_RESPONSE:
        """Change the fields in the request; an empty certificate id removes the certificate.

        Stage variables are merged, and those with an empty value are removed. Source: the
        provider's `apigatewayv2/stage.go` sends the empty string for both, and its acceptance test
        shows that AWS accepts it.
        """
        asked = self.document()
        with self.world.lock:
            stage = self._stage()
            self._check(self.api(), asked)
            vars(stage).update(
                {_REPLACED[name]: value for name, value in asked.items() if name in _REPLACED}
            )
            variables = {**stage.stage_variables, **(asked.get("stageVariables") or {})}
            stage.stage_variables = {name: value for name, value in variables.items() if value}
            stage.route_settings = {**stage.route_settings, **(asked.get("routeSettings") or {})}
            vars(stage)["updated_at"] = self.world.clock.now()
        return self.reply(self._shown(stage))

    def delete_access_log_settings(self) -> TYPE_RESPONSE:
        """Turn off the access log of a stage."""
        self._stage().access_log_settings = None
        return self.reply({}, status=204)

    def _check(self, api: Any, asked: dict[str, Any]) -> None:
        id_ = asked.get("clientCertificateId")
        if not id_:
            return
        if api.protocol_type != "WEBSOCKET":
            raise BadRequestError("Client certificates are supported for WebSocket APIs only")
        self.store.require(id_)

    def _stage(self) -> Any:
        return self.api().get_stage(self.segment(5))

    def _shown(self, stage: Any) -> dict[str, Any]:
        marks = vars(stage)
        created = marks.setdefault("created_at", self.world.clock.now())
        updated = marks.setdefault("updated_at", created)
        body: dict[str, Any] = stage.to_json()
        body |= {"createdDate": iso(created), "lastUpdatedDate": iso(updated)}
        optional = {
            "clientCertificateId": presented(stage),
            "deploymentId": marks.get("deployment_id"),
        }
        return body | {name: value for name, value in optional.items() if value}


_STAGE_ARN = re.compile(
    r"arn:[\w-]+:apigateway:[\w-]+::/apis/(?P<api>[^/]+)/stages/(?P<stage>[^/]+)"
)


class WebSocketGateway(WebSocketStageOperations):
    """One request to API Gateway v2, which has WebSocket and HTTP APIs."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def get_apis(self) -> TYPE_RESPONSE:
        """List a page of the APIs; moto returns all of them.

        The page size is not documented; the emulator uses the size of v1.
        """
        apis = self.apigatewayv2_backend.apis
        items, token = page(apis, limit=self.query("maxResults"), position=self.query("nextToken"))
        body = {"items": [api.to_json() for api in items]}
        return self.reply(body | ({"nextToken": token} if token else {}))

    def get_tags(self) -> TYPE_RESPONSE:
        """Return the tags of a resource.

        The tags of a stage are its own; moto looks for them among the tags of APIs.
        """
        stage = self._tagged_stage()
        return super().get_tags() if stage is None else self.reply({"tags": stage.tags})

    def tag_resource(self) -> TYPE_RESPONSE:
        """Add tags; they replace tags with the same keys."""
        stage = self._tagged_stage()
        if stage is None:
            return super().tag_resource()
        stage.tags = {**stage.tags, **(self.document().get("tags") or {})}
        return self.reply({}, status=201)

    def untag_resource(self) -> TYPE_RESPONSE:
        """Remove tags."""
        stage = self._tagged_stage()
        if stage is None:
            return super().untag_resource()
        removed = parse_qs(self.parsed_url.query).get("tagKeys", [])
        stage.tags = {key: value for key, value in stage.tags.items() if key not in removed}
        return self.reply({}, status=204)

    def _tagged_stage(self) -> Any:
        named = _STAGE_ARN.fullmatch(unquote(self.path.split("/tags/", 1)[1]))
        if named is None:
            return None
        return self.apigatewayv2_backend.get_api(named["api"]).get_stage(named["stage"])
