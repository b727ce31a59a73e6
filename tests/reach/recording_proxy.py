"""An HTTPS proxy that records which hosts are asked, and answers as AWS with the emulator.

tfcert keeps the real names of all hosts: the proxy ends TLS with a certificate of its own authority.
Any other host gets a 404, so no request leaves the machine.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECONDS = 30.0
_AWS = ".amazonaws.com"


class RecordingProxy:
    """A proxy on a free port of 127.0.0.1 until `close`; `hosts` are the names that were asked."""

    def __init__(self, emulator: str, folder: Path) -> None:
        self._emulator = urlsplit(emulator)
        # The address that answers in place of a host that is not AWS.
        self.stand_ins: dict[str, str] = {}
        self._folder = folder
        self._lock = Lock()
        self.hosts: set[str] = set()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "recording proxy")])
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(self._issue(self._name, None))
        self._contexts: dict[str, ssl.SSLContext] = {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Write nothing."""

            def do_CONNECT(self) -> None:
                host = self.path.rpartition(":")[0]
                proxy.hosts.add(host)
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    inner = proxy.context(host).wrap_socket(self.connection, server_side=True)
                    with suppress(OSError), inner:
                        _Inside(inner, self.client_address, self.server, proxy, host)
                self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Return the address of the proxy, without a scheme."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SECONDS)

    def answer(self, host: str, verb: str, path: str, headers: dict[str, str], body: bytes):
        """Return status, headers and body: the emulator's for a host of AWS."""
        to = urlsplit(self.stand_ins[host]) if host in self.stand_ins else self._emulator
        if host not in self.stand_ins and not host.endswith(_AWS):
            return 404, [("Content-Type", "application/json")], b"{}"
        if host in self.stand_ins:
            # GitHub has both APIs at the root of its host; the stand-in is an Enterprise server.
            path = (
                path.replace("/graphql", "/api/graphql") if path == "/graphql" else to.path + path
            )
        connection = HTTPConnection(to.hostname, to.port, timeout=SECONDS)
        try:
            connection.request(verb, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def context(self, host: str) -> ssl.SSLContext:
        """Return the TLS settings of a server with this name."""
        with self._lock:
            if host not in self._contexts:
                file = self._folder / f"{len(self._contexts)}.pem"
                key = ec.generate_private_key(ec.SECP256R1())
                private = key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host")])
                file.write_bytes(private + self._issue(subject, host, key))
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(file)
                self._contexts[host] = context
            return self._contexts[host]

    def _issue(self, subject: x509.Name, host: str | None, key=None) -> bytes:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key((key or self._key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            made = made.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
            )
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class _Inside(BaseHTTPRequestHandler):
    """The requests inside one tunnel."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection, address, server, proxy: RecordingProxy, host: str) -> None:
        self._proxy, self._host = proxy, host
        super().__init__(connection, address, server)

    def log_message(self, *_: object) -> None:
        """Write nothing."""

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {
            name: text
            for name, text in self.headers.items()
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}
        }
        status, answered, body = self._proxy.answer(
            self._host, self.command, self.path, headers, self.rfile.read(length)
        )
        self.send_response_only(status)
        for name, text in answered:
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 -- as above
