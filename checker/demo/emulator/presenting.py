"""Which stages present a certificate: REST and WebSocket, of one account and region."""

from __future__ import annotations

from typing import Any

from moto.apigateway.models import apigateway_backends
from moto.apigatewayv2.models import apigatewayv2_backends


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
        f"{api_id}/{name}" for api_id, api in apis for name, stage in api.stages.items() if presented(stage) == certificate_id
    )
