"""Calls of backends as API Gateway makes them for a test: with the key pair of a certificate.

Only loopback addresses are called. A backend's own certificate is not verified; API Gateway
requires one of a known CA, unless `insecureSkipVerification` is set.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checker.demo.emulator.certificates import StoredCertificate
from checker.demo.emulator.errors import BadRequestError

# The longest time that API Gateway waits for a backend. Source: API Gateway developer guide,
# "Quotas for configuring and running a REST API".
LONGEST = 29.0
_LARGEST = 1024 * 1024


class Failure(StrEnum):
    """Why a backend gave no answer: its network, or the handshake with it."""

    NETWORK = "network"
    HANDSHAKE = "handshake"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendAnswer:
    """The answer of a backend, or why there is none; `latency` is in milliseconds."""

    status: int | None
    latency: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    failure: Failure | None = None


def call_backend(
    verb: str,
    uri: str,
    *,
    headers: Mapping[str, str],
    body: str,
    certificate: StoredCertificate | None,
    timeout: float = LONGEST,
) -> BackendAnswer:
    """Call a backend; raises BadRequestError for an address that is not loopback.

    A connection that ends before an answer came is a failed handshake: with TLS 1.3 a server
    refuses a certificate after the client's part of the handshake.
    """
    begun = time.monotonic()

    def failed(why: Failure) -> BackendAnswer:
        return BackendAnswer(status=None, failure=why, latency=_since(begun))

    parts = urlsplit(uri)
    connection = _connection(uri, certificate, timeout)
    secure = parts.scheme == "https"
    try:
        connection.connect()
    except ssl.SSLError:
        return failed(Failure.HANDSHAKE)
    except ConnectionResetError:
        return failed(Failure.HANDSHAKE if secure else Failure.NETWORK)
    except OSError:
        return failed(Failure.NETWORK)
    try:
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        connection.request(verb, target, body=body or None, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read(_LARGEST).decode("utf-8", "replace")
        return BackendAnswer(
            status=answer.status,
            headers=dict(answer.getheaders()),
            body=content,
            latency=_since(begun),
        )
    except TimeoutError:
        return failed(Failure.NETWORK)
    except (OSError, HTTPException):
        return failed(Failure.HANDSHAKE if secure else Failure.NETWORK)
    finally:
        connection.close()


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1000)


def _connection(
    uri: str, certificate: StoredCertificate | None, timeout: float
) -> HTTPConnection | HTTPSConnection:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadRequestError("Invalid HTTP endpoint specified for URI") from error
    if host == "localhost":
        host = "127.0.0.1"
    if not _is_loopback(host):
        raise BadRequestError(f"The emulator calls loopback addresses only, and not {host!r}")
    if parts.scheme == "http":
        return HTTPConnection(host, port, timeout=timeout)
    return HTTPSConnection(host, port, timeout=timeout, context=_context(certificate))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _context(certificate: StoredCertificate | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        # Python reads a key pair from a file only.
        key = certificate.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        with tempfile.TemporaryDirectory(prefix="tfcert-emulator-") as folder:
            pair = Path(folder, "pair.pem")
            with os.fdopen(os.open(pair, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(key + certificate.pem.encode("ascii") + b"\n")
            context.load_cert_chain(pair)
    return context
