"""The stages of REST APIs, with the client certificate that each one presents."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from moto.apigateway.models import APIGatewayBackend, apigateway_backends
from moto.apigateway.responses import APIGatewayResponse
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.errors import BadRequestError
from checker.demo.emulator.requests import GatewayRequest


def presented(stage: Any) -> str | None:
    """Return the id of the certificate that one of moto's stages presents.

    Moto has this attribute for WebSocket stages only; the emulator adds it to REST stages.
    """
    id_: str | None = getattr(stage, "client_certificate_id", None)
    return id_ or None


def stages_presenting(certificate_id: str, *, account: str, region: str) -> tuple[str, ...]:
    """Return the stages that present a certificate, as API id and stage name."""
    apis: list[tuple[str, Any]] = [
        *apigateway_backends[account][region].apis.items(),
        *apigatewayv2_backends[account][region].apis.items(),
    ]
    return tuple(
        f"{api_id}/{name}"
        for api_id, api in apis
        for name, stage in api.stages.items()
        if presented(stage) == certificate_id
    )


_POINTER = "/clientCertificateId"


class StageOperations(GatewayRequest, APIGatewayResponse):
    """The stage operations, and CreateDeployment, which may create a stage.

    The stage operations are CreateStage, UpdateStage, GetStage and GetStages.

    Values that moto's stage does not support are attributes of its object and are deleted with it.
    """

    def create_stage(self) -> TYPE_RESPONSE:
        """Create a stage without a certificate: the request of the API model has none."""
        super().create_stage()
        stage = self.backend.get_stage(self._api_id(), self.document().get("stageName") or "")
        return self.reply(self._shown(stage), status=201)

    def get_stage(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto declares str
        """Return one stage."""
        return self.reply(self._shown(self.backend.get_stage(self._api_id(), self._stage_name())))

    def get_stages(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as for get_stage
        """List all stages of an API, or those of one deployment; the operation has no pages."""
        wanted = self.query("deploymentId")
        stages = self.backend.get_stages(self._api_id())
        shown = [self._shown(stage) for stage in stages if wanted in {None, stage.deployment_id}]
        return self.reply({"item": shown})

    def update_stage(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as for get_stage
        """Change a stage.

        `replace /clientCertificateId` sets the certificate that it presents; the empty string
        removes it. The whole request is validated before any change is made.
        """
        operations = self.document().get("patchOperations") or []
        pointers = [operation for operation in operations if operation.get("path") == _POINTER]
        with self.world.lock:
            stage = self.backend.get_stage(self._api_id(), self._stage_name())
            for operation in pointers:
                self._check(operation)
            others = [operation for operation in operations if operation not in pointers]
            self.backend.update_stage(self._api_id(), self._stage_name(), others)
            for operation in pointers:
                vars(stage)["client_certificate_id"] = operation.get("value")
            vars(stage)["updated_at"] = self.world.clock.now()
        return self.reply(self._shown(stage))

    def create_deployment(self) -> TYPE_RESPONSE:
        """Create a deployment.

        If the request names an existing stage, that stage moves to the deployment. Moto would
        replace it by an empty stage.
        """
        name: str = self.document().get("stageName") or ""
        stages = self.backend.get_rest_api(self._api_id()).stages
        previous = stages.get(name)
        answer = super().create_deployment()
        if previous is not None:
            previous.deployment_id = stages[name].deployment_id
            stages[name] = previous
        return answer

    @property
    def backend(self) -> APIGatewayBackend:
        """Return moto's own state of the account and region."""
        return super().backend

    def _check(self, operation: dict[str, Any]) -> None:
        if operation.get("op") != "replace":
            raise BadRequestError(
                f"Invalid patch path {_POINTER} for operation {operation.get('op')!r}"
            )
        if operation.get("value"):
            self.store.require(operation["value"])

    def _shown(self, stage: Any) -> dict[str, Any]:
        now = self.world.clock.now()
        marks = vars(stage)
        created = marks.setdefault("created_at", now)
        updated = marks.setdefault("updated_at", created)
        body: dict[str, Any] = stage.to_json() | {
            "createdDate": int(created.timestamp()),
            "lastUpdatedDate": int(updated.timestamp()),
        }
        id_ = presented(stage)
        return body | ({"clientCertificateId": id_} if id_ else {})

    def _api_id(self) -> str:
        return unquote(self.path.split("/")[2])

    def _stage_name(self) -> str:
        return unquote(self.path.split("/")[4])
