"""A rotation before repoint on the emulator: root module, state, API and its own TLS backend."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from checker.demo.backend import DemoBackend
from checker.demo.emulator import SeedApi, SeedCertificate

C, S = "aws_api_gateway_client_certificate", "aws_api_gateway_stage"
ACCOUNT, REGION = "123456789012", "us-east-1"
OLD, NEW = "q1w2e3", "n3w0n3"
API = "lo64vzqnaj"


class World(NamedTuple):
    """The parts of a test; `environment` points tfcert to the emulator."""

    folder: Path
    aws: object
    backend: DemoBackend
    pems: dict[str, str]
    environment: dict[str, str]

    def trust(self, *names: str) -> None:
        """Make the backend trust these certificates and no others."""
        self.backend.trust([self.pems[name] for name in names])

    def invocations(self) -> int:
        """Return the number of TestInvokeMethod calls."""
        return len(self.aws.calls("*TestInvokeMethod*"))


def resource(kind, name, **attributes):
    """Return a resource of a raw state."""
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }


def configuration(pointer="old"):
    """Return the root module, whose stage uses one of the two certificates."""
    return (
        f'resource "{C}" "old" {{\n}}\n\n# tfcert: succeeds {C}.old\nresource "{C}" "new" {{\n}}\n\n'
        f'resource "{S}" "live" {{\n  rest_api_id           = "{API}"\n  deployment_id         = "d"\n'
        f'  stage_name            = "live"\n  client_certificate_id = {C}.{pointer}.id\n}}\n'
    )


def state(pems, presents=OLD):
    """Return the raw state, with both certificates and the stage."""
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "l",
        "outputs": {},
        "resources": [
            resource(C, "old", id=OLD, pem_encoded_certificate=pems["old"]),
            resource(C, "new", id=NEW, pem_encoded_certificate=pems["new"]),
            resource(
                S,
                "live",
                id="s",
                rest_api_id=API,
                stage_name="live",
                client_certificate_id=presents,
                arn=f"arn:aws:apigateway:{REGION}::/restapis/{API}/stages/live",
                execution_arn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/live",
            ),
        ],
    }


def integrate(gateway, path, uri, verb="GET", kind="HTTP_PROXY", parameters=None):
    """Add a resource with one method and its integration to the API."""
    (root,) = (
        each["id"] for each in gateway.get_resources(restApiId=API)["items"] if each["path"] == "/"
    )
    where = {"restApiId": API}
    made = gateway.create_resource(**where, parentId=root, pathPart=path.strip("/"))["id"]
    where |= {"resourceId": made, "httpMethod": verb}
    gateway.put_method(**where, authorizationType="NONE", requestParameters=parameters or {})
    gateway.put_integration(**where, type=kind, integrationHttpMethod=verb, uri=uri)


@contextmanager
def prepared(aws, folder, *, path="health", age=5, left=20):
    """Write the root module and yield it with a backend that trusts the old certificate."""
    now = datetime.now(UTC)
    aws.seed(
        SeedCertificate(id=OLD, expires_at=now + timedelta(days=left)),
        SeedCertificate(id=NEW, expires_at=now + timedelta(days=365 - age)),
        SeedApi(id=API, name="orders", stages={"live": OLD}),
    )
    gateway = aws.client("apigateway")
    pems = {
        name: gateway.get_client_certificate(clientCertificateId=each)["pemEncodedCertificate"]
        for name, each in (("old", OLD), ("new", NEW))
    }
    (folder / "main.tf").write_text(configuration())
    (folder / "state.json").write_text(json.dumps(state(pems)))
    with DemoBackend() as backend:
        integrate(gateway, path, f"{backend.url}/{path}")
        aws.forget_calls()
        world = World(
            folder=folder,
            aws=aws,
            backend=backend,
            pems=pems,
            environment=aws.environment({"PATH": os.environ["PATH"]}),
        )
        world.trust("old")
        yield world
