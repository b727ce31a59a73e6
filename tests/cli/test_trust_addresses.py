"""Bundles at https:// or s3:// addresses: fetching, limits, and refused addresses."""

from __future__ import annotations

import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from trust_root import AT, MARK, S, evidence, issue_pems, lay

from checker.aws.https import fetch_https
from checker.demo.emulator.certificates import new_key
from checker.errors import UnreadableError
from checker.model.trust import LARGEST_BUNDLE

ONLINE = ("state.json", "--as-of", "2026-11-23")
SECRET = "sig=TOKENTOKEN"


@pytest.fixture(scope="module")
def pems():
    return issue_pems()


@pytest.fixture
def root(tmp_path, pems):
    return lay(tmp_path, pems)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """Return the certificate and key of a server on loopback, which is its own authority."""
    folder = tmp_path_factory.mktemp("identity")
    key, now = new_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return folder


@pytest.fixture
def server(identity, pems):
    """Run a TLS server that records its requests."""
    asked = []
    bodies = {
        "/new.pem": (1, f"# {MARK}\n{pems['new']}\n".encode(), 0),
        "/page.pem": (1, f"<html>{MARK}</html>".encode(), 0),
        "/endless.pem": (LARGEST_BUNDLE // 2**20 + 2, b"\n" * 2**20, 0),
        "/slow.pem": (100, b"\n", 0.1),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            path = self.path.partition("?")[0]
            port = self.server.server_address[1]
            moved = {
                "/moved.pem": "/new.pem",
                "/loop.pem": "/loop.pem",
                "/away.pem": f"https://localhost:{port}/new.pem",
                "/down.pem": f"http://127.0.0.1:{port}/new.pem",
            }
            if path in moved:
                self.send_response(302)
                self.send_header("Location", moved[path])
                self.end_headers()
            elif path in bodies:
                self.send_response(200)
                self.end_headers()
                count, piece, pause = bodies[path]
                for _ in range(count):
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(pause)
            else:
                self.send_error(404)

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Ignore clients that leave early."""

    served = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity / "ca.pem", identity / "key.pem")
    served.socket = context.wrap_socket(served.socket, server_side=True)
    served.asked = asked
    served.url = f"https://127.0.0.1:{served.server_address[1]}"
    Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def declare(root, address):
    """Write a policy whose bundle is this address."""
    (root / "tfcert.toml").write_text(
        f'[trust.backends.orders]\nstages = "{S}.prod"\nserver = "nginx"\nbundle = "{address}"\n'
    )


def run(tfcert, root, identity, *more, verb="check"):
    options = ("--format", "json") if verb == "check" else ()
    environment = {"SSL_CERT_FILE": str(identity / "ca.pem")}
    return tfcert(verb, *ONLINE, *more, *options, cwd=root, environment=environment)


@pytest.mark.parametrize("path", ["/new.pem", "/moved.pem"])
def test_the_bundle_of_an_address_is_evidence(tfcert, root, identity, server, path):
    """A bundle of an https address is evidence.

    Redirects within the host are followed, no credentials are sent, and the query is not reported.
    """
    (root / ".netrc").write_text("machine 127.0.0.1 login me password hidden\n")
    declare(root, f"{server.url}{path}?{SECRET}")
    done = run(tfcert, root, identity)
    found = evidence(done)
    assert (found["status"], found["source"]) == ("confirmed", f"{server.url}{path}")
    assert len(found["fingerprints"]) == 1
    for text in (MARK, "TOKENTOKEN", "hidden"):
        assert text.encode() not in done.stdout + done.stderr
    for _, headers in server.asked:
        assert not {"authorization", "cookie", "proxy-authorization"} & set(map(str.lower, headers))


def test_the_option_names_an_address_too(tfcert, root, identity, server):
    done = run(tfcert, root, identity, "--trust-file", f"orders={server.url}/new.pem")
    assert evidence(done)["status"] == "confirmed"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/away.pem", "redirects to another address, which is refused"),
        ("/down.pem", "redirects to another address, which is refused"),
        ("/loop.pem", "redirects without an end"),
        ("/missing.pem", "was answered with HTTP 404"),
        ("/endless.pem", "is larger than 32 MiB"),
        ("/page.pem", "has no certificate in PEM form"),
    ],
)
def test_what_is_no_bundle_is_exit_2_and_never_an_empty_one(
    tfcert, root, identity, server, path, says
):
    declare(root, f"{server.url}{path}?{SECRET}")
    for verb in ("check", "patch"):
        done = run(tfcert, root, identity, verb=verb)
        assert (done.returncode, done.stdout) == (2, b""), done.stderr
        assert says.encode() in done.stderr
        assert f"{server.url}{path}".encode() in done.stderr
        assert b"TOKENTOKEN" not in done.stderr
        assert MARK.encode() not in done.stderr
    followed = [each for each, _ in server.asked if each == "/new.pem"]
    assert followed == []


def test_an_answer_without_an_end_is_left_after_the_time(identity, server, monkeypatch):
    """A download that exceeds the time limit is an error, even if bytes keep arriving."""
    monkeypatch.setenv("SSL_CERT_FILE", str(identity / "ca.pem"))
    began = time.monotonic()
    with pytest.raises(UnreadableError, match="did not arrive within 1 seconds"):
        fetch_https(f"{server.url}/slow.pem", most=LARGEST_BUNDLE, seconds=1.0)
    assert time.monotonic() - began < 5


def test_a_certificate_that_is_not_trusted_is_refused(tfcert, root, server):
    declare(root, f"{server.url}/new.pem")
    done = tfcert("check", *ONLINE, cwd=root)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is on a server whose TLS certificate is not accepted" in done.stderr
    assert server.asked == []


def test_offline_fetches_nothing_and_says_so(tfcert, root, identity, server):
    """`--offline` refuses to fetch a bundle, and the remedy names --trust-file."""
    declare(root, f"{server.url}/new.pem?{SECRET}")
    for verb in ("check", "patch"):
        done = tfcert(verb, *AT, cwd=root, environment={"SSL_CERT_FILE": str(identity / "ca.pem")})
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"is not fetched with --offline" in done.stderr
        assert b"--trust-file" in done.stderr
        assert b"TOKENTOKEN" not in done.stderr
    assert server.asked == []
    option = ("--trust-file", "orders=trust/orders.pem")
    done = tfcert("check", *AT, *option, "--format", "json", cwd=root)
    assert len(evidence(done)["fingerprints"]) == 2


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1/new.pem", "http:// is refused"),
        ("https://me:hidden@127.0.0.1/new.pem", "a user or a password is refused"),
        ("https:///new.pem", "names no host"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(tfcert, root, identity, server, address, says):
    done = run(tfcert, root, identity, "--trust-file", f"orders={address}")
    assert (done.returncode, done.stdout) == (2, b"")
    assert says.encode() in done.stderr
    assert b"hidden" not in done.stderr


def test_policy_base_fetches_the_address_of_the_commit(tfcert, root, identity, server):
    """With `--policy-base` the address of the commit is fetched, not the changed one."""
    declare(root, f"{server.url}/page.pem")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(root))
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*git, *command], check=True)
    declare(root, f"{server.url}/new.pem")
    environment = {"SSL_CERT_FILE": str(identity / "ca.pem"), "PATH": "/usr/bin:/bin"}
    options = ("--policy-base", "HEAD")
    done = tfcert("check", *ONLINE, *options, cwd=root, environment=environment)
    assert (done.returncode, done.stdout) == (2, b"")
    assert [path for path, _ in server.asked] == ["/page.pem"]


def test_the_bundle_of_an_s3_address_is_evidence(tfcert, root, aws, pems):
    """A bundle of an s3 address is evidence; a denied, missing or too large one is exit code 2."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="trust")
    s3.put_object(Bucket="trust", Key="orders.pem", Body=f"# {MARK}\n{pems['new']}\n".encode())
    declare(root, "s3://trust/orders.pem")
    environment = aws.environment()
    aws.forget_calls()
    arguments = (*AT, "--format", "json")
    done = tfcert("check", *arguments, cwd=root, environment=environment)
    found = evidence(done)
    assert (found["status"], found["source"]) == ("confirmed", "s3://trust/orders.pem")
    assert MARK.encode() not in done.stdout + done.stderr
    assert [call.iam for call in aws.calls()] == [("s3:GetObject", "arn:aws:s3:::trust/orders.pem")]
    for key, says in (("missing.pem", b"there is no such object"), ("", b"names no object")):
        option = ("--trust-file", f"orders=s3://trust/{key}")
        done = tfcert("check", *arguments, *option, cwd=root, environment=environment)
        assert (done.returncode, done.stdout) == (2, b"")
        assert says in done.stderr
    s3.put_object(Bucket="trust", Key="orders.pem", Body=b"\n" * (LARGEST_BUNDLE + 1))
    done = tfcert("check", *arguments, cwd=root, environment=environment)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is larger than" in done.stderr
