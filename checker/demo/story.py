"""The example of `tfcert demo`: two APIs, three stages, a shared certificate with 12 days left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from checker.demo.emulator import Emulator, SeedApi, SeedCertificate

CERTIFICATE_ID, SUCCESSOR_ID = "q1w2e3", "r4t5y6"
DAYS_LEFT = 12
# Longer than the trust window.
SUCCESSOR_AGE = timedelta(days=4)
LIFE = timedelta(days=365)
_ORDERS_BACKEND = b"https://orders.backend.example/"
_ORDERS, _BILLING = "lo64vzqnaj", "tytvdpoyw3"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFile:
    """The certificate that one stage presents in the emulated AWS, and its days left."""

    stage: str
    certificate_id: str | None
    days_left: int | None


def copy_configuration(folder: Path, backend: str) -> None:
    """Copy the .tf files of the example into a folder; the orders API gets the backend's URL."""
    for entry in sorted(
        files("checker.demo").joinpath("configuration").iterdir(), key=lambda entry: entry.name
    ):
        if entry.name.endswith(".tf"):
            text = entry.read_bytes().replace(_ORDERS_BACKEND, f"{backend}/".encode())
            (folder / entry.name).write_bytes(text)


def seed_recorded(aws: Emulator, folder: Path, backend: str, *, days: int = DAYS_LEFT) -> None:
    """Create the APIs and the certificate in the emulated AWS, and write their state into a folder.

    The orders API calls the backend. The certificate has that many `days` left.

    The state was recorded by Terraform 1.11.4 and AWS provider 5.100.0 against this emulator. Its
    dates and PEM are replaced by current ones.
    """
    end = (datetime.now(UTC) + timedelta(days=days, hours=1)).replace(microsecond=0)
    presents = CERTIFICATE_ID
    aws.seed(
        SeedCertificate(
            id=presents,
            expires_at=end,
            description="gateway to backends",
            tags={"owner": "platform"},
        ),
        SeedApi(id=_ORDERS, name="orders", stages={"test": presents, "live": presents}),
        SeedApi(id=_BILLING, name="billing", stages={"live": presents}),
    )
    gateway = aws.client("apigateway")
    (root,) = gateway.get_resources(restApiId=_ORDERS)["items"]
    where = {"restApiId": _ORDERS, "resourceId": root["id"], "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(
        **where, type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"{backend}/"
    )
    pem = pem_of(aws, presents)
    text = files("checker.demo").joinpath("recorded.tfstate.json").read_text(encoding="utf-8")
    text = text.replace("@PEM@", json.dumps(pem)[1:-1])
    text = text.replace("@CREATED@", go_time(end - LIFE)).replace("@EXPIRES@", go_time(end))
    text = text.replace(_ORDERS_BACKEND.decode(), f"{backend}/")
    (folder / "terraform.tfstate").write_text(text, encoding="utf-8")


def seed_successor(aws: Emulator, folder: Path) -> None:
    """Record introduce as applied some days ago: in the emulated AWS, and in the folder's state."""
    made = (datetime.now(UTC) - SUCCESSOR_AGE).replace(microsecond=0)
    aws.seed(SeedCertificate(id=SUCCESSOR_ID, created_at=made, description="gateway to backends"))
    file = folder / "terraform.tfstate"
    state = json.loads(file.read_text(encoding="utf-8"))
    (old,) = (each for each in state["resources"] if each["type"].endswith("client_certificate"))
    new = json.loads(json.dumps(old)) | {"name": f"{old['name']}_{datetime.now(UTC):%Y%m}"}
    new["instances"][0]["attributes"] |= {
        "arn": f"arn:aws:apigateway:us-east-1::/clientcertificates/{SUCCESSOR_ID}",
        "id": SUCCESSOR_ID,
        "created_date": go_time(made),
        "expiration_date": go_time(made + LIFE),
        "pem_encoded_certificate": pem_of(aws, SUCCESSOR_ID),
    }
    state["resources"].insert(state["resources"].index(old) + 1, new)
    file.write_text(json.dumps(state, indent=2), encoding="utf-8")


def pem_of(aws: Emulator, certificate_id: str) -> str:
    """Return the PEM of a certificate of the emulated AWS."""
    found = aws.client("apigateway").get_client_certificate(clientCertificateId=certificate_id)
    return str(found["pemEncodedCertificate"])


def certificates_by_age(aws: Emulator) -> tuple[str, ...]:
    """Return the ids of the certificates of the emulated AWS, the oldest first."""
    found = aws.client("apigateway").get_client_certificates(limit=500)["items"]
    return tuple(
        each["clientCertificateId"] for each in sorted(found, key=lambda each: each["createdDate"])
    )


def list_presented(aws: Emulator) -> tuple[StoryFile, ...]:
    """Return the certificate that each stage of the emulated AWS presents now."""
    gateway = aws.client("apigateway")
    ends = {
        entry["clientCertificateId"]: entry["expirationDate"]
        for entry in gateway.get_client_certificates(limit=500)["items"]
    }
    shown: list[StoryFile] = []
    for api in gateway.get_rest_apis(limit=500)["items"]:
        for stage in gateway.get_stages(restApiId=api["id"])["item"]:
            identity = stage.get("clientCertificateId")
            end = ends.get(identity)
            left = (end - datetime.now(UTC)).days if end is not None else None
            shown.append(
                StoryFile(
                    stage=f"{api['name']}/{stage['stageName']}",
                    certificate_id=identity,
                    days_left=left,
                )
            )
    return tuple(sorted(shown, key=lambda entry: entry.stage))


def go_time(instant: datetime) -> str:
    """Return a date in the provider's form: Go's `time.String()` in UTC."""
    return instant.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
