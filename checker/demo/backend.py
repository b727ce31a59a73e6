"""A backend for the demo: TLS on 127.0.0.1 with Python's ssl, which trusts the certificates given.

It asks each caller for a certificate. With the flag for partial chains it accepts each certificate
of its list, and not only the first of one subject (docs/trust.md).
"""

from __future__ import annotations

import ssl
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECONDS = 10.0


class _Handler(BaseHTTPRequestHandler):
    """Answer each request alike: the caller was let in."""

    timeout = _SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer 200."""
        self.server.requests.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name of the base class
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    """An HTTP server that shakes hands in the thread of each connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context: ssl.SSLContext | None = None
        self.requests: list[str] = []

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands with the trust of this moment, then answer; a caller may be refused."""
        request.settimeout(_SECONDS)
        if self.context is not None:
            # An SSLError is an OSError: the caller has no certificate that is trusted, or is gone.
            with (
                suppress(OSError),
                self.context.wrap_socket(request, server_side=True) as secure,
            ):
                super().finish_request(secure, client_address)


class DemoBackend:
    """A TLS server on a free port, with a trust list that can be replaced while it runs.

    `with DemoBackend() as backend:` starts and stops it. At first it trusts nobody.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tfcert-backend-")
        self._identity = _identity(Path(self._folder.name))
        self._server = _Server()
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self.trust(())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_SECONDS)
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """Return the URL of the backend."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> tuple[str, ...]:
        """Return the requests that were let in, each as method and path."""
        return tuple(self._server.requests)

    def trust_anyone(self) -> None:
        """Ask no caller for a certificate from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._identity)
        self._server.context = context

    def trust(self, pems: Iterable[str]) -> None:
        """Trust these certificates and no others from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._identity)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        for pem in pems:
            context.load_verify_locations(cadata=pem)
        self._server.context = context


def _identity(folder: Path) -> tuple[Path, Path]:
    """Write a certificate and a key for the server itself; return their paths."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from checker.demo.emulator.certificates import issue, new_key

    key, now = new_key(), datetime.now(UTC).replace(microsecond=0)
    pem = issue(key, created_at=now - timedelta(days=1), expires_at=now + timedelta(days=30))
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_text(pem, encoding="ascii")
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths
