"""A root module in the middle of a rotation, with its state, policy and its backend's bundle."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from checker.demo.emulator.certificates import issue, new_key

C, S = "aws_api_gateway_client_certificate", "aws_api_gateway_stage"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
MARK = "TAINTTAINT"
POLICY = f"""[trust.backends.orders]
stages = "{S}.prod"
bundle = "trust/orders.pem"
server = "nginx"
"""


AT = ("state.json", "--offline", "--as-of", "2026-11-23")


def issue_pems():
    """Return PEMs with one subject, as API Gateway issues them."""
    return {
        name: issue(
            new_key(), created_at=NOW - timedelta(days=20), expires_at=NOW + timedelta(days=left)
        )
        for name, left in {"old": 20, "new": 350}.items()
    }


def lay(folder, pems):
    """Write the root module with a bundle of both certificates, and return the folder."""
    (folder / "main.tf").write_text(
        f'resource "{C}" "old" {{\n}}\n\n# tfcert: succeeds {C}.old\nresource "{C}" "new" {{\n}}\n\n'
        f'resource "{S}" "prod" {{\n  rest_api_id           = "api1"\n  deployment_id         = "d"\n'
        f'  stage_name            = "prod"\n  client_certificate_id = {C}.old.id\n}}\n'
    )

    def resource(kind, name, **attributes):
        return {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
            "instances": [{"schema_version": 0, "attributes": attributes}],
        }

    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "l",
        "outputs": {},
        "resources": [
            *(
                resource(C, name, id=f"{name}000", pem_encoded_certificate=pem)
                for name, pem in pems.items()
            ),
            resource(
                S,
                "prod",
                id="s",
                rest_api_id="api1",
                stage_name="prod",
                client_certificate_id="old000",
            ),
        ],
    }
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "tfcert.toml").write_text(POLICY)
    (folder / "trust").mkdir()
    (folder / "trust/orders.pem").write_text(pems["old"] + f"\n# {MARK}\n" + pems["new"])
    return folder


def evidence(done):
    assert done.returncode in {0, 1, 3}, done.stderr
    (rotation,) = json.loads(done.stdout)["rotations"]
    (found,) = rotation["trust"]
    return found
