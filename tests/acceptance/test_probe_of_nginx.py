"""A whole rotation in front of a real nginx: repoint is called safe exactly when nginx accepts both
certificates.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto.apigateway.models import apigateway_backends
from rig.bench import Bench
from rig.gateway import presented
from test_trust_in_nginx import SECONDS, free_port, nginx

from checker.demo.emulator.certificates import certificate_store, issue, new_key
from checker.demo.emulator.seeds import ACCOUNT, REGION
from checker.model.x509 import normal_pem

__all__ = ["nginx"]
pytestmark = pytest.mark.xdist_group("acceptance-probe")
OLD = "aws_api_gateway_client_certificate.orders"
PROBE = ("--method", "GET /health")
STAGE = "aws_api_gateway_stage.prod"


class Nginx:
    """An nginx on one port, with the accepted certificates and its access log."""

    def __init__(self, program, folder):
        self.program, self.folder, self.port = program, folder, free_port()
        self.process = None
        write_pair(folder, "server", new_key())

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self, verify, before=""):
        """Restart nginx with another client verification."""
        self.stop()
        folder = self.folder
        paths = " ".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        folder.joinpath("nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
            f"http {{ log_format plain '$request_method $request_uri $status'; access_log {folder}/access plain; {paths} {before}\n"
            f"server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;\n"
            f"{verify} location / {{ return 200 ok; }} }} }}\n"
        )
        self.process = subprocess.Popen(
            [
                self.program,
                "-p",
                folder,
                "-e",
                folder / "errors",
                "-c",
                folder / "nginx.conf",
            ],
            stderr=subprocess.DEVNULL,
        )
        budget = time.monotonic() + SECONDS
        while not self._listens() and time.monotonic() < budget:
            assert self.process.poll() is None, folder.joinpath("errors").read_text()
            time.sleep(0.1)

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), SECONDS).close()
        except ConnectionRefusedError:
            return False
        return True

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS)
            self.process = None

    def trust_file(self, *names):
        """Trust a bundle of these certificates."""
        bundle = self.folder / "trust.pem"
        bundle.write_text("".join((self.folder / f"{name}.pem").read_text() for name in names))
        self.start(f"ssl_verify_client on; ssl_client_certificate {bundle};")

    def pin(self, *names):
        """Trust these certificates by a map of fingerprints, as docs/trust.md recommends."""
        pins = " ".join(f"{sha1(self.folder / f'{name}.pem')} 1;" for name in names)
        self.start(
            "ssl_verify_client optional_no_ca; if ($from_gateway = 0) { return 403; }",
            f"map $ssl_client_fingerprint $from_gateway {{ default 0; {pins} }}",
        )

    def accepts(self, name):
        """Return whether a direct TLS call with this key pair gets status 200."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        with (
            socket.create_connection(("127.0.0.1", self.port), SECONDS) as plain,
            context.wrap_socket(plain) as secure,
        ):
            secure.sendall(b"GET /direct HTTP/1.0\r\nHost: backend\r\n\r\n")
            return int(secure.recv(4096).split()[1]) == 200

    def requests(self):
        """Return the logged requests without direct calls and rejected TLS calls."""
        lines = self.folder.joinpath("access").read_text().splitlines()
        return [line.rpartition(" ")[0] for line in lines if "/direct" not in line]


def write_pair(folder, name, key, pem=None):
    now = datetime.now(UTC).replace(microsecond=0)
    if pem is None:
        pem = issue(key, created_at=now - timedelta(days=1), expires_at=now + timedelta(days=30))
    folder.joinpath(f"{name}.pem").write_text(normal_pem(pem))
    folder.joinpath(f"{name}.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def sha1(path):
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()


def take_key(identity, folder, name):
    """Write the key pair of an emulated certificate; real AWS never gives the key."""
    stored = certificate_store(apigateway_backends[ACCOUNT][REGION]).get(identity)
    write_pair(folder, name, stored.key, stored.pem)


@pytest.fixture
def server(nginx, tmp_path):
    folder = tmp_path / "nginx"
    folder.mkdir()
    running = Nginx(nginx, folder)
    yield running
    running.stop()


@pytest.fixture
def bench(aws, tool, tmp_path, server):
    """Return an API in front of nginx, applied 353 days ago; nginx trusts its certificate."""
    more = {"backend.auto.tfvars": f'backend = "{server.url}"\n'}
    bench = Bench.lay(aws, tool, tmp_path / "probed", "probed", more)
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    (identity,) = set(presented(aws).values())
    take_key(identity, server.folder, "old")
    server.trust_file("old")
    return bench


def probe(bench):
    """Run `tfcert probe`; return its exit code and the verdict on the one backend."""
    ended = bench.tfcert("probe", "infra", *PROBE, "--yes", "--format", "json")
    (backend,) = json.loads(ended.stdout)["backends"]
    return ended.code, backend["verdict"]


def assert_accepted(bench, server):
    """Check that each stage presents a certificate that nginx accepts now."""
    ids = set(presented(bench.aws).values())
    for identity in ids:
        take_key(identity, server.folder, "shown")
        assert server.accepts("shown"), f"nginx refuses {identity}, which a stage presents"


def says_safe(bench):
    """Return whether tfcert calls repoint safe, with --probe."""
    ended = bench.tfcert("patch", "infra", "--probe", *PROBE)
    assert ended.code == 0, str(ended)
    text = ended.stdout.decode()
    assert ("phase 2 of 3" in text) == ("repoint is safe" in text)
    return "repoint is safe" in text


def test_safe_is_what_nginx_accepts(bench, server):
    """Repoint is safe exactly when nginx accepts both certificates, and no stage presents a refused
    one.
    """
    assert_accepted(bench, server)
    assert bench.rotate("introduce") == {f"{OLD}_{datetime.now(UTC):%Y%m}": ("create",)}
    assert_accepted(bench, server)
    document = json.loads(bench.state.read_bytes())
    (new,) = {
        each["instances"][0]["attributes"]["id"]
        for each in document["resources"]
        if each["type"] == "aws_api_gateway_client_certificate" and each["name"] != "orders"
    }
    take_key(new, server.folder, "new")

    # A plan of repoint while nginx refuses the successor.
    before = bench.texts()
    bench.patch("--phase", "repoint", "--write")
    early = bench.plan("early")
    bench.write(before)
    for trust, verdict, code in (
        (lambda: server.trust_file("old"), "trusts the predecessor only", 1),
        (lambda: server.trust_file("old", "new"), "trusts the predecessor only", 1),
        (lambda: server.pin("old"), "trusts the predecessor only", 1),
        (lambda: server.pin("old", "new"), "trusts both", 0),
    ):
        trust()
        assert_accepted(bench, server)
        assert probe(bench) == (code, verdict)
        truth = server.accepts("old") and server.accepts("new")
        assert says_safe(bench) == truth == (code == 0)
        if not truth:
            judged = bench.check_plan(early, "--expect", "repoint", "--probe", *PROBE)
            assert judged.code == 1
            assert "trust-missing" in judged.rules

    bench.patch("--probe", *PROBE, "--write")
    planned = bench.plan("repoint")
    judged = bench.check_plan(planned, "--expect", "repoint", "--probe", *PROBE)
    assert judged.code == 0, str(judged.ended)
    assert planned.changes() == {STAGE: ["update"]}
    bench.apply(planned)
    assert set(presented(bench.aws).values()) == {new}
    assert_accepted(bench, server)

    # A rollback needs a backend that trusts both. It is possible before `pin`, and not after it.
    assert probe(bench) == (0, "trusts both")
    server.pin("new")
    assert_accepted(bench, server)
    assert probe(bench) == (0, "trusts the successor only")
    ended = bench.tfcert("patch", "infra", "--phase", "rollback", "--probe", *PROBE)
    assert b"does not hold now" in ended.stdout, str(ended)

    assert bench.rotate("retire") == {OLD: ("delete",)}
    assert_accepted(bench, server)
    assert b"nothing to do" in bench.patch()
    assert set(server.requests()) <= {"GET /health"}
