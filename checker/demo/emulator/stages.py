"""REST stages."""

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
    """The id of the certificate that one of moto's stages presents; a REST stage has the attribute from us."""
    id_: str | None = getattr(stage, "client_certificate_id", None)
    return id_ or None


def stages_presenting(certificate_id: str, *, account: str, region: str) -> tuple[str, ...]:
    """The stages that present a certificate, as API id and stage name."""
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
    """CreateStage, UpdateStage, GetStage and GetStages, and CreateDeployment, which may make a stage.

    What moto's stage has no place for is kept as attributes of its own object, and goes when that does.
    """

    def create_stage(self) -> TYPE_RESPONSE:
        """Create a stage; it presents nothing, since the model has no place for a certificate here."""
        super().create_stage()
        stage = self.backend.get_stage(self._api_id(), self.document().get("stageName") or "")
        return self.reply(self._shown(stage), status=201)

    def get_stage(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto promises a text, and takes either
        """Answer with one stage."""
        return self.reply(self._shown(self.backend.get_stage(self._api_id(), self._stage_name())))

    def get_stages(self) -> TYPE_RESPONSE:  # type: ignore[override]  # likewise
        """List the stages of an API: all of them, since the operation does not page, or those of one deployment."""
        wanted = self.query("deploymentId")
        stages = self.backend.get_stages(self._api_id())
        shown = [self._shown(stage) for stage in stages if wanted in {None, stage.deployment_id}]
        return self.reply({"item": shown})

    def update_stage(self) -> TYPE_RESPONSE:  # type: ignore[override]  # likewise
        """Change a stage; `replace /clientCertificateId` says what it presents, and the empty string: nothing.

        All of the request is looked at before any of it is done.
        """
        operations = self.document().get("patchOperations") or []
        ours = [operation for operation in operations if operation.get("path") == _POINTER]
        with self.world.lock:
            stage = self.backend.get_stage(self._api_id(), self._stage_name())
            for operation in ours:
                self._check(operation)
            others = [operation for operation in operations if operation not in ours]
            self.backend.update_stage(self._api_id(), self._stage_name(), others)
            for operation in ours:
                vars(stage)["client_certificate_id"] = operation.get("value")
            vars(stage)["updated_at"] = self.world.clock.now()
        return self.reply(self._shown(stage))

    def create_deployment(self) -> TYPE_RESPONSE:
        """Create a deployment; a stage that it names and that is there moves to it, where moto would put a bare one."""
        name: str = self.document().get("stageName") or ""
        stages = self.backend.get_rest_api(self._api_id()).stages
        kept = stages.get(name)
        answer = super().create_deployment()
        if kept is not None:
            kept.deployment_id = stages[name].deployment_id
            stages[name] = kept
        return answer

    @property
    def backend(self) -> APIGatewayBackend:
        """Moto's own state of the account and region."""
        return super().backend

    def _check(self, operation: dict[str, Any]) -> None:
        if operation.get("op") != "replace":
            raise BadRequestError(
                f"Invalid patch path {_POINTER} for operation {operation.get('op')!r}"
            )
        if operation.get("value"):
            self.shelf.require(operation["value"])

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
