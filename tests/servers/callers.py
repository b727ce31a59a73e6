"""Certificates in the form of API Gateway, `tfcert bundle` for them, and callers that present them
to a server.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checker.demo.emulator.certificates import LIFETIME, issue, new_key
from checker.model.x509 import normal_pem

CALLERS = ("old", "new", "third", "expired")
SECONDS = 20
NOW = datetime.now(UTC).replace(microsecond=0)
ENDS = {"old": 20, "new": 360, "third": 300, "expired": -5, "server": 300}
# Bundles by name, with their certificates in order.
PLAIN = {"old, new": ("old", "new"), "new, old": ("new", "old"), "ended, new": ("expired", "new")}
# The certificate that stages present comes first. `ended, new` is written ten days ago, before its
# certificate ended.
KITS = {**PLAIN, "old": ("old",), "new": ("new",)}
EARLIER = {"ended, new": timedelta(days=10)}

C = "aws_api_gateway_client_certificate"


def issue_all(folder: Path) -> Path:
    """Write the PEM and the key of each caller and of the server into a folder, and both together
    in one file.
    """
    for name, days in ENDS.items():
        key, ends = new_key(), NOW + timedelta(days=days)
        pem = normal_pem(issue(key, created_at=ends - LIFETIME, expires_at=ends))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        (folder / f"{name}.pem").write_text(pem)
        (folder / f"{name}.key").write_text(private)
        (folder / f"{name}.both.pem").write_text(pem + private)
    return folder


def state(folder: Path, certificates: Path, names: tuple[str, ...], *, key: str = "") -> Path:
    """Write a state in which a stage presents the first of the certificates.

    `key` is the key of their `for_each`.
    """
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    resources = []

    def add(kind: str, name: str, attributes: Mapping[str, object]) -> None:
        instance = {"schema_version": 0, "attributes": attributes}
        resources.append({"mode": "managed", "type": kind, "name": name, "provider": provider, "instances": [instance | ({"index_key": key} if key and kind == C else {})]})  # fmt: skip

    for name in names:
        ends = NOW + timedelta(days=ENDS[name])
        add(C, name, {"id": f"{name:x<6}"[:6], "pem_encoded_certificate": (certificates / f"{name}.pem").read_text(), "expiration_date": f"{ends:%Y-%m-%d %H:%M:%S} +0000 UTC", "arn": f"arn:aws:apigateway:us-east-1::/clientcertificates/{name}"})  # fmt: skip
    add("aws_api_gateway_stage", "live", {"rest_api_id": "api1", "stage_name": "live", "client_certificate_id": f"{names[0]:x<6}"[:6], "arn": "arn:aws:apigateway:us-east-1::/restapis/api1/stages/live"})  # fmt: skip
    file = folder / "terraform.tfstate"
    file.write_text(json.dumps({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}, "resources": resources}))  # fmt: skip
    return file


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A port of a server, and the files that decide which callers it accepts."""

    bundle: Path | None
    kit: Path | None
    port: int


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def is_let_in(port: int, certificates: Path, name: str | None) -> bool:
    """Return whether a caller gets 200, on its first session and on a resumed one.

    A refusal is a 4xx or the end of the connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if name is not None:
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    status, session = _call(port, context, None)
    if session is not None:
        assert _call(port, context, session)[0] == status, "a resumed session is judged otherwise"
    return status == 200


def _call(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[int, ssl.SSLSession | None]:
    with socket.create_connection(("127.0.0.1", port), SECONDS) as plain:
        try:
            with context.wrap_socket(
                plain, server_hostname="backend.test", session=session
            ) as secure:
                secure.sendall(b"GET / HTTP/1.1\r\nHost: backend.test\r\nConnection: close\r\n\r\n")
                answer = secure.recv(4096)
                found = secure.session
        except (ssl.SSLError, ConnectionError):
            return 403, None
    status = int(answer.split()[1]) if answer else 403
    assert status in (200, 400, 403), answer
    return status, found


def let_in(listener: Listener, certificates: Path) -> set[str]:
    """Return the callers that a listener accepts.

    A caller without a certificate must be refused.
    """
    assert not is_let_in(listener.port, certificates, None)
    return {name for name in CALLERS if is_let_in(listener.port, certificates, name)}
