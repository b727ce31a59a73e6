"""States for the tests of fleets."""

from __future__ import annotations

import gzip
import json

AS_OF = "2026-11-25"
DUE, LATER = "2026-12-01T00:00:00Z", "2027-11-01T00:00:00Z"
CERTIFICATE, STAGE = "aws_api_gateway_client_certificate", "aws_api_gateway_stage"


def resource(kind, name, attributes):
    """Return a managed resource of a raw state."""
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }


def certificate(identity, end=DUE, *, region="eu-west-1", name="backend", tags=None):
    """Return a client certificate."""
    return resource(
        CERTIFICATE,
        name,
        {
            "id": identity,
            "arn": f"arn:aws:apigateway:{region}::/clientcertificates/{identity}",
            "created_date": "2025-12-01T00:00:00Z",
            "expiration_date": end,
            "description": "",
            "pem_encoded_certificate": "",
            "tags": tags or {},
        },
    )


def stage(api, identity, *, region="eu-west-1", account="111111111111", name="live"):
    """Return a stage that presents a certificate."""
    return resource(
        STAGE,
        name,
        {
            "rest_api_id": api,
            "stage_name": name,
            "client_certificate_id": identity,
            "arn": f"arn:aws:apigateway:{region}::/restapis/{api}/stages/{name}",
            "execution_arn": f"arn:aws:execute-api:{region}:{account}:{api}/{name}",
        },
    )


def due(number, end=DUE):
    """Return the resources of a state with one certificate and its stage."""
    identity = f"c{number:05d}"
    return [certificate(identity, end), stage(f"api{number:07d}", identity)]


def other(count=3):
    """Return resources that tfcert does not read."""
    return [
        resource("aws_s3_bucket", f"b{number}", {"id": f"b{number}", "policy": '{"a": "\\"<&>"}'})
        for number in range(count)
    ]


def state(resources, **more):
    """Return a raw state as text."""
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 3,
        "lineage": "5b0a4f4e-2d0e-4c9c-8f4f-0d8f2b5c9c11",
        "outputs": {},
        "resources": resources,
        "check_results": None,
        **more,
    }
    return json.dumps(document, indent=2)


def write(path, text):
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults():
    """Return unreadable states by name, each with a word of the expected reason."""
    whole = state(due(900)).encode()
    return {
        "cut.tfstate": (whole[:-40], "truncated"),
        "three.tfstate": (b'{"version": 3, "serial": 1, "modules": []}', "version 3"),
        "five.tfstate": (state(due(901), version=5).encode(), "version 5"),
        "sealed.tfstate": (
            b'{"meta": {}, "encrypted_data": "eA==", "encryption_version": "v0"}',
            "encrypted",
        ),
        "half.tfstate": (state(due(902), encrypted_data="eA==").encode(), "encrypted"),
        "halfempty.tfstate": (state([], encrypted_data="eA==").encode(), "encrypted"),
        "empty.tfstate": (b"", "empty"),
        "words.tfstate": (b"not json", "JSON"),
        "array.tfstate": (b"[]", ""),
        "latin.tfstate": (whole.replace(b"backend", b"backe\xe9d"), "UTF-8"),
        "twice.tfstate": (
            whole.rstrip()[:-1] + b', "resources": []}',
            "twice",
        ),
        "type.tfstate": (
            whole.replace(b'"name": "live",', b'"name": "live", "type": "aws_s3_bucket",'),
            "twice",
        ),
        "old.json": (b'{"version": 3, "serial": 1, "lineage": "x", "modules": []}', "version 3"),
        "sealed.json": (
            b'{"meta": {}, "encrypted_data": "eA==", "encryption_version": "v0"}',
            "encrypted",
        ),
        "broken.json": (b'{"version": 4, "resources": [', "truncated"),
        "cut.tfstate.gz": (gzip.compress(whole)[:-20], "gzip"),
    }


# The end, the tags of certificate and stage, and the account, in a folder of its own.
OWNED = {
    "prod/pay/a": ("2026-11-22", {"Owner": "pay"}, {}, "111111111111"),
    "prod/pay/b": ("2026-11-30", {"Owner": "pay"}, {}, "111111111111"),
    "prod/web/c": ("2026-12-01", {}, {"team": "web"}, "222222222222"),
    "test/web/d": ("2027-01-04", {"TEAM": "web"}, {"Owner": "other"}, "222222222222"),
    "test/e": ("2027-09-21", {"Name": "secret"}, {}, "333333333333"),
}


def owned(folder):
    """Write five states of three accounts and two owners, and one that cannot be read."""
    for number, (path, (end, own, of_stage, account)) in enumerate(OWNED.items()):
        made = certificate(f"c{number}", f"{end}T00:00:00Z", tags=own)
        shown = stage(f"api{number}", f"c{number}", account=account)
        shown["instances"][0]["attributes"]["tags"] = of_stage
        write(folder / f"fleet/{path}.tfstate", state([made, shown]))
    write(folder / "fleet/test/broken.tfstate", "{")
    return folder
