"""docs/trust.md with a real nginx: a bundle of two fails, a map of fingerprints works.

nginx comes from PATH, or is unpacked from Debian's package.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from equipped import find

from checker.demo.emulator.certificates import issue, new_key
from checker.model.x509 import normal_pem

SECONDS = 60
CALLERS = ("old", "new", "stranger")


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """Return an nginx program without installing it or being root."""
    found = find("nginx")
    if found is None and which("apt-get") and which("dpkg-deb"):
        folder = tmp_path_factory.mktemp("nginx")
        try:
            subprocess.run(
                ["apt-get", "download", "nginx"],
                cwd=folder,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("no nginx on PATH, and Debian's package did not come within a minute")
        for package in folder.glob("nginx_*.deb"):
            subprocess.run(
                ["dpkg-deb", "-x", package, folder],
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
        found = next((str(path) for path in folder.glob("usr/sbin/nginx")), None)
    if (
        found is None
        or subprocess.run(
            [found, "-v"], capture_output=True, timeout=SECONDS, check=False
        ).returncode
        != 0
    ):
        pytest.skip("no nginx on PATH, and none that runs in Debian's packages")
    return found


@pytest.fixture(scope="module")
def callers(tmp_path_factory):
    """Return certificates as API Gateway issues them with their keys, and a bundle of two."""
    folder = tmp_path_factory.mktemp("trust")
    now = datetime.now(UTC).replace(microsecond=0)
    for name in (*CALLERS, "server"):
        key = new_key()
        pem = normal_pem(
            issue(key, created_at=now - timedelta(days=1), expires_at=now + timedelta(days=30))
        )
        folder.joinpath(f"{name}.pem").write_text(pem)
        folder.joinpath(f"{name}.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    folder.joinpath("trust.pem").write_text(
        "".join(folder.joinpath(f"{name}.pem").read_text() for name in ("old", "new"))
    )
    return folder


def free_port():
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def serving(nginx, folder, verify, before=""):
    """Run an nginx with this client verification, and yield its port."""
    port = free_port()
    paths = " ".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    folder.joinpath("nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off; {paths} {before}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;\n"
        f"{verify} location / {{ return 200 ok; }} }} }}\n"
    )
    process = subprocess.Popen(
        [nginx, "-p", folder, "-e", folder / "errors", "-c", folder / "nginx.conf"],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), SECONDS).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None, Path(folder, "errors").read_text()
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(SECONDS)


def answers(port, folder):
    """Return the status that each caller gets."""
    found = {}
    for name in CALLERS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        with (
            socket.create_connection(("127.0.0.1", port), SECONDS) as plain,
            context.wrap_socket(plain) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.0\r\nHost: backend\r\n\r\n")
            found[name] = int(secure.recv(4096).split()[1])
    return found


def sha1(folder, name):
    """Return the fingerprint that nginx's map compares."""
    return hashlib.sha1(
        ssl.PEM_cert_to_DER_cert(folder.joinpath(f"{name}.pem").read_text())
    ).hexdigest()


def test_a_bundle_of_two_accepts_only_the_first(nginx, callers):
    """With `ssl_client_certificate` of both, nginx accepts the first certificate and refuses the
    second.
    """
    with serving(
        nginx, callers, f"ssl_verify_client on; ssl_client_certificate {callers}/trust.pem;"
    ) as port:
        assert answers(port, callers) == {"old": 200, "new": 400, "stranger": 400}


def test_a_map_of_fingerprints_accepts_both_and_nobody_else(nginx, callers):
    """With `optional_no_ca` and a map of fingerprints, nginx accepts both certificates and no
    other.
    """
    pins = f"map $ssl_client_fingerprint $from_gateway {{ default 0; {sha1(callers, 'old')} 1; {sha1(callers, 'new')} 1; }}"
    verify = "ssl_verify_client optional_no_ca; if ($from_gateway = 0) { return 403; }"
    with serving(nginx, callers, verify, pins) as port:
        assert answers(port, callers) == {"old": 200, "new": 200, "stranger": 403}
