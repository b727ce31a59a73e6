"""The deployment operations of API Gateway's second version, which moto lacks."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.errors import BadRequestError, NotFoundError
from checker.demo.emulator.paging import page
from checker.demo.emulator.request import GatewayRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment of a WebSocket or HTTP API; it succeeds as soon as it is made."""

    id: str
    created_at: datetime
    description: str | None

    def answer(self) -> dict[str, Any]:
        """The deployment as the API answers with it."""
        body: dict[str, Any] = {
            "deploymentId": self.id,
            "createdDate": iso(self.created_at),
            "deploymentStatus": "DEPLOYED",
            "autoDeployed": False,
        }
        return body | ({"description": self.description} if self.description else {})


def iso(instant: datetime) -> str:
    """An instant as the second version writes it: in whole seconds of UTC."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


class DeploymentOperations(GatewayRequest, ApiGatewayV2Response):
    """CreateDeployment and its kin; a deployment is an attribute of moto's API object, and goes when that does."""

    def create_deployment(self) -> TYPE_RESPONSE:
        """Deploy an API, and move the stage that the request names to it."""
        asked = self.document()
        api = self.api()
        stage = api.get_stage(asked["stageName"]) if asked.get("stageName") else None
        made = Deployment(id=secrets.token_hex(3), created_at=self.world.clock.now(), description=asked.get("description"))
        self._held()[made.id] = made
        if stage is not None:
            vars(stage)["deployment_id"] = made.id
        return self.reply(made.answer(), status=201)

    def get_deployment(self) -> TYPE_RESPONSE:
        """Answer with one deployment."""
        return self.reply(self._one().answer())

    def get_deployments(self) -> TYPE_RESPONSE:
        """List a page of the deployments of an API."""
        items, token = page(self._held(), limit=self.query("maxResults"), position=self.query("nextToken"))
        body = {"items": [item.answer() for item in items]}
        return self.reply(body | ({"nextToken": token} if token else {}))

    def update_deployment(self) -> TYPE_RESPONSE:
        """Change a deployment's description."""
        changed = replace(self._one(), description=self.document().get("description"))
        self._held()[changed.id] = changed
        return self.reply(changed.answer())

    def delete_deployment(self) -> TYPE_RESPONSE:
        """Delete a deployment that no stage points to."""
        found = self._one()
        for stage in self.api().stages.values():
            if getattr(stage, "deployment_id", None) == found.id:
                raise BadRequestError("Active stages pointing to this deployment must be moved or deleted")
        del self._held()[found.id]
        return self.reply({}, status=204)

    def api(self) -> Any:
        """The API that the path names, as moto keeps it; NotFound where there is none."""
        return self.apigatewayv2_backend.get_api(self.segment(3))

    def segment(self, index: int) -> str:
        """A segment of the path, counted from 0 before the first slash."""
        return unquote(self.path.rstrip("/").split("/")[index])

    def _held(self) -> dict[str, Deployment]:
        held: dict[str, Deployment] = vars(self.api()).setdefault("deployments", {})
        return held

    def _one(self) -> Deployment:
        id_ = self.segment(5)
        if id_ not in self._held():
            raise NotFoundError(f"Invalid Deployment identifier specified {id_}")
        return self._held()[id_]
