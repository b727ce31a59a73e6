"""The example of `tfcert demo`: two APIs, three stages, a shared certificate with 12 days left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from checker.demo.emulator import Emulator, SeedApi, SeedCertificate

CERTIFICATE_ID = "q1w2e3"
DAYS_LEFT = 12
_LIFE = timedelta(days=365)
_ORDERS, _BILLING = "lo64vzqnaj", "tytvdpoyw3"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFile:
    """The certificate that one stage presents in the emulated AWS, and its days left."""

    stage: str
    certificate_id: str | None
    days_left: int | None


def copy_configuration(folder: Path) -> None:
    """Copy the .tf files of the example into a folder."""
    for entry in sorted(
        files("checker.demo").joinpath("configuration").iterdir(), key=lambda entry: entry.name
    ):
        if entry.name.endswith(".tf"):
            (folder / entry.name).write_bytes(entry.read_bytes())


def seed_recorded(aws: Emulator, folder: Path) -> None:
    """Create the APIs and the certificate in the emulated AWS, and write their state into a folder.

    The state was recorded by Terraform 1.11.4 and AWS provider 5.100.0 against this emulator. Its
    dates and PEM are replaced by current ones.
    """
    end = (datetime.now(UTC) + timedelta(days=DAYS_LEFT, hours=1)).replace(microsecond=0)
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
    pem = aws.client("apigateway").get_client_certificate(clientCertificateId=presents)[
        "pemEncodedCertificate"
    ]
    text = files("checker.demo").joinpath("recorded.tfstate.json").read_text(encoding="utf-8")
    text = text.replace("@PEM@", json.dumps(pem)[1:-1])
    text = text.replace("@CREATED@", _as_go_prints(end - _LIFE)).replace(
        "@EXPIRES@", _as_go_prints(end)
    )
    (folder / "terraform.tfstate").write_text(text, encoding="utf-8")


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


def _as_go_prints(instant: datetime) -> str:
    """Return a date in the provider's form: Go's `time.String()` in UTC."""
    return instant.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
