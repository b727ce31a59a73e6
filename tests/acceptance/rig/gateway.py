"""What the emulated gateway presents, asked with boto3."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from checker.demo.emulator import Emulator


def presented(aws: Emulator) -> dict[str, str | None]:
    """Return the certificate id of each stage, by API and stage name."""
    gateway = aws.client("apigateway")
    return {
        f"{api['name']}/{stage['stageName']}": stage.get("clientCertificateId")
        for api in gateway.get_rest_apis()["items"]
        for stage in gateway.get_stages(restApiId=api["id"])["item"]
    }


def assert_trustworthy(aws: Emulator, without: Collection[str] = ()) -> dict[str, str]:
    """Check that each stage, except those listed, presents an existing and valid certificate;
    return the ids.
    """
    gateway = aws.client("apigateway")
    stages = {
        stage: identity
        for stage, identity in presented(aws).items()
        if stage not in without or identity
    }
    assert stages, "no stage is there"
    for stage, identity in stages.items():
        assert identity, f"{stage} presents nothing"
        certificate = gateway.get_client_certificate(clientCertificateId=identity)
        assert certificate["createdDate"] <= datetime.now(UTC) < certificate["expirationDate"], (
            f"{stage} presents {identity}"
        )
    return {stage: identity for stage, identity in stages.items() if identity}


def changes(aws: Emulator) -> list[str]:
    """Return the sorted operations that changed something since the calls were last forgotten."""
    return sorted(
        call.operation
        for call in aws.calls()
        if call.method != "GET" and call.service.startswith("apigateway")
    )
