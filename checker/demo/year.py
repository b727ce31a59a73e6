"""A year of the demo's certificate: what each apply leaves in the emulated AWS and in state."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from checker.demo.emulator import Emulator, SeedCertificate
from checker.demo.story import CERTIFICATE_ID, LIFE, SUCCESSOR_ID, go_time, pem_of

_TYPE = "aws_api_gateway_client_certificate"
_SUCCESSOR = re.compile(rf'(?m)^resource "{_TYPE}" "(\w+_\d{{6}})"')
STATE = "terraform.tfstate"


def successor_name(folder: Path) -> str:
    """Return the name of the successor's block, as introduce wrote it."""
    texts = (file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))
    return next(found[1] for text in texts if (found := _SUCCESSOR.search(text)) is not None)


def apply_introduce(aws: Emulator, folder: Path, at: datetime) -> None:
    """Create the successor in the emulated AWS, and record it in state."""
    made = at.replace(microsecond=0)
    aws.seed(SeedCertificate(id=SUCCESSOR_ID, created_at=made, description="gateway to backends"))
    state = _read(folder)
    (old,) = _certificates(state)
    new = json.loads(json.dumps(old)) | {"name": successor_name(folder)}
    new["instances"][0]["attributes"] |= {
        "arn": f"arn:aws:apigateway:us-east-1::/clientcertificates/{SUCCESSOR_ID}",
        "id": SUCCESSOR_ID,
        "created_date": go_time(made),
        "expiration_date": go_time(made + LIFE),
        "pem_encoded_certificate": pem_of(aws, SUCCESSOR_ID),
    }
    state["resources"].insert(state["resources"].index(old) + 1, new)
    _write(folder, state)


def apply_repoint(aws: Emulator, folder: Path) -> None:
    """Move every stage to the successor, in the emulated AWS and in state."""
    gateway = aws.client("apigateway")
    for api in gateway.get_rest_apis(limit=500)["items"]:
        for stage in gateway.get_stages(restApiId=api["id"])["item"]:
            change = {"op": "replace", "path": "/clientCertificateId", "value": SUCCESSOR_ID}
            gateway.update_stage(
                restApiId=api["id"], stageName=stage["stageName"], patchOperations=[change]
            )
    state = _read(folder)
    for resource in state["resources"]:
        for instance in resource["instances"]:
            if instance["attributes"].get("client_certificate_id") == CERTIFICATE_ID:
                instance["attributes"]["client_certificate_id"] = SUCCESSOR_ID
    _write(folder, state)


def apply_retire(aws: Emulator, folder: Path) -> None:
    """Delete the old certificate, in the emulated AWS and in state."""
    aws.client("apigateway").delete_client_certificate(clientCertificateId=CERTIFICATE_ID)
    state = _read(folder)
    state["resources"] = [
        each
        for each in state["resources"]
        if each["type"] != _TYPE or each["instances"][0]["attributes"]["id"] != CERTIFICATE_ID
    ]
    _write(folder, state)


def _certificates(state: Any) -> list[Any]:
    return [each for each in state["resources"] if each["type"] == _TYPE]


def _read(folder: Path) -> Any:
    return json.loads((folder / STATE).read_text(encoding="utf-8"))


def _write(folder: Path, state: Any) -> None:
    (folder / STATE).write_text(json.dumps(state, indent=2), encoding="utf-8")
