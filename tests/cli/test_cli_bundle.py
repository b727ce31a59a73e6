"""`tfcert bundle` on the command line, and real TLS servers with its bundle."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checker.demo.emulator import Emulator, SeedCertificate
from checker.demo.emulator.certificates import issue, new_key

C = "aws_api_gateway_client_certificate"
NOW = datetime.now(UTC).replace(microsecond=0)
SECONDS = 20
PARTIAL = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN


@pytest.fixture(scope="module")
def callers(tmp_path_factory):
    """Return PEM and key files of an old, a new and an unrelated certificate, and of a server."""
    folder = tmp_path_factory.mktemp("callers")
    pems = {}
    for number, name in enumerate(("old", "new", "stranger", "server")):
        key = new_key()
        pems[name] = issue(
            key,
            created_at=NOW - timedelta(days=20 - number),
            expires_at=NOW + timedelta(days=30 + number),
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(private + pems[name].encode() + b"\n")
    return folder, pems


def state(folder, certificates, presented="old000", declare=None):
    """Write a state with these certificates and a stage, and return its path."""

    def resource(kind, name, **attributes):
        provider = 'provider["registry.terraform.io/hashicorp/aws"]'
        instance = {"schema_version": 0, "attributes": attributes}
        return {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": provider,
            "instances": [instance],
        }

    found = [
        resource(
            C,
            name,
            id=identity,
            arn=f"arn:aws:apigateway:us-east-1::/clientcertificates/{identity}",
            pem_encoded_certificate=pem,
            expiration_date=(NOW + timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
        )
        for name, identity, pem in certificates
    ]
    found.append(
        resource(
            "aws_api_gateway_stage",
            "live",
            rest_api_id="api1",
            stage_name="live",
            arn="arn:aws:apigateway:us-east-1::/restapis/api1/stages/live",
            client_certificate_id=presented,
        )
    )
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "x",
        "outputs": {},
        "resources": found,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(document))
    if declare is not None:
        (folder / "main.tf").write_text(declare)
    return folder / "terraform.tfstate"


ROTATING = f"""\
resource "{C}" "a" {{
}}

# tfcert: succeeds {C}.a
resource "{C}" "b" {{
}}

resource "aws_api_gateway_stage" "live" {{
  client_certificate_id = {C}.POINTED.id
}}
"""


def certificates_in(text):
    """Return the certificates of a bundle in order, read with cryptography."""
    return x509.load_pem_x509_certificates(text)


def test_recorded_pems_are_normalised_and_described(tfcert, tmp_path, callers):
    """Line ends are normalized, and a comment with address, end and SHA-256 is above each PEM.

    The certificate in use comes first.
    """
    _, pems = callers
    assert "\r\n" in pems["old"]
    source = state(
        tmp_path,
        [("b", "new000", pems["new"]), ("a", "old000", pems["old"])],
        declare=ROTATING.replace("POINTED", "a"),
    )
    done = tfcert("bundle", source, "--offline")
    assert done.returncode == 0, done.stderr
    assert b"\r" not in done.stdout
    assert done.stdout.endswith(b"-----END CERTIFICATE-----\n")
    old, new = certificates_in(done.stdout)
    assert old == x509.load_pem_x509_certificate(pems["old"].encode())
    assert new == x509.load_pem_x509_certificate(pems["new"].encode())
    text = done.stdout.decode()
    for certificate in (old, new):
        assert f"# {'SHA-256':>9} {certificate.fingerprint(SHA256()).hex(':').upper()}" in text
        assert f"ends {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}" in text
    assert "only the FIRST is accepted" in text
    assert "the successor in a rotation that is under way" in text


def test_i2_the_predecessor_is_trusted_until_aws_confirms_that_nobody_presents_it(
    tfcert, tmp_path, callers
):
    """I2: after repoint, offline, the old certificate stays in the bundle after the one in use."""
    _, pems = callers
    source = state(
        tmp_path,
        [("a", "old000", pems["old"]), ("b", "new000", pems["new"])],
        presented="new000",
        declare=ROTATING.replace("POINTED", "b"),
    )
    done = tfcert("bundle", source, "--offline")
    assert [item.serial_number for item in certificates_in(done.stdout)] == [
        x509.load_pem_x509_certificate(pems[name].encode()).serial_number for name in ("new", "old")
    ]
    assert b"not confirmed yet that no stage presents it" in done.stdout


def test_a_certificate_that_nobody_needs_is_left_out(tfcert, tmp_path, callers):
    """With the configuration, an unused certificate without lineage is left out of the bundle;
    without it, it stays.
    """
    _, pems = callers
    text = ROTATING.replace("POINTED", "a").replace(f"# tfcert: succeeds {C}.a\n", "")
    source = state(
        tmp_path, [("a", "old000", pems["old"]), ("b", "new000", pems["new"])], declare=text
    )
    assert len(certificates_in(tfcert("bundle", source, "--offline").stdout)) == 1
    (tmp_path / "main.tf").unlink()
    done = tfcert("bundle", source, "--offline")
    assert len(certificates_in(done.stdout)) == 2
    assert b"it may be a successor" in done.stdout


@pytest.mark.parametrize(
    "pem", [None, "", "not a PEM", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----"]
)
def test_i4_a_pem_that_nobody_knows_is_said_and_is_exit_3(tfcert, tmp_path, callers, pem):
    """I4: a missing PEM makes the bundle incomplete, exit code 3, and a complete file is not
    replaced.
    """
    _, pems = callers
    source = state(tmp_path, [("a", "old000", pem), ("b", "new000", pems["new"])])
    done = tfcert("bundle", source, "--offline")
    assert done.returncode == 3
    assert b"# INCOMPLETE: the PEM of " + C.encode() + b".a (old000) is not known" in done.stdout
    assert b"get-client-certificate --client-certificate-id old000" in done.stderr
    assert len(certificates_in(done.stdout)) == 1
    kept = tmp_path / "trust.pem"
    kept.write_text("as it was")
    assert tfcert("bundle", source, "--offline", "--out", kept).returncode == 3
    assert kept.read_text() == "as it was"


def test_no_empty_bundle_is_written(tfcert, tmp_path):
    """An empty bundle is not written, because it would lock out every client."""
    source = state(tmp_path, [], presented="")
    kept = tmp_path / "trust.pem"
    done = tfcert("bundle", source, "--offline", "--out", kept)
    assert done.returncode == 3
    assert not kept.exists()
    assert b"nothing to trust" in done.stderr


def test_a_file_is_replaced_in_one_step_with_its_mode(tfcert, tmp_path, callers):
    """The file is replaced atomically and keeps its mode."""
    _, pems = callers
    source = state(tmp_path, [("a", "old000", pems["old"])])
    target = tmp_path / "trust.pem"
    target.write_text("before")
    target.chmod(0o640)
    before = target.stat().st_ino
    names = sorted(file.name for file in tmp_path.iterdir())
    assert tfcert("bundle", source, "--offline", "--out", target).returncode == 0
    assert target.stat().st_ino != before
    assert target.stat().st_mode & 0o777 == 0o640
    assert len(certificates_in(target.read_bytes())) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == names


def test_aws_s_own_pem_wins_over_the_recorded_one(tfcert, tmp_path, callers):
    """The PEM from AWS is written instead of the recorded one."""
    _, pems = callers
    with Emulator() as aws:
        aws.seed(SeedCertificate(id="old000", expires_at=NOW + timedelta(days=40)))
        own = aws.client("apigateway").get_client_certificate(clientCertificateId="old000")[
            "pemEncodedCertificate"
        ]
        source = state(tmp_path, [("a", "old000", pems["old"])])
        done = tfcert("bundle", source, environment=aws.environment({}))
    assert certificates_in(done.stdout) == [x509.load_pem_x509_certificate(own.encode())], (
        done.stderr
    )
    assert b"PEM as AWS gives it" in done.stdout


def test_i4_a_certificate_that_aws_does_not_know_is_said(tfcert, tmp_path, callers):
    """I4: for a certificate that AWS does not have, the recorded PEM is written with a comment,
    exit code 3.
    """
    _, pems = callers
    with Emulator() as aws:
        source = state(tmp_path, [("a", "old000", pems["old"])])
        document = json.loads(source.read_text())
        stage = document["resources"][-1]["instances"][0]["attributes"]
        stage["execution_arn"] = "arn:aws:execute-api:us-east-1:123456789012:api1/live"
        source.write_text(json.dumps(document))
        done = tfcert("bundle", source, environment=aws.environment({}))
    assert done.returncode == 3
    assert b"AWS does not know aws_api_gateway_client_certificate.a (old000)" in done.stderr
    assert b"as recorded in state; AWS does not know this certificate" in done.stdout


def test_one_certificate_in_two_states_is_written_once(tfcert, tmp_path, callers):
    """A certificate in two states is written once; another one with the same id is written too."""
    _, pems = callers
    for name, pem in (("one", "old"), ("two", "old"), ("three", "new")):
        (tmp_path / name).mkdir()
        state(tmp_path / name, [("a", "old000", pems[pem])])
    sources = [tmp_path / name / "terraform.tfstate" for name in ("one", "two", "three")]
    assert len(certificates_in(tfcert("bundle", *sources, "--offline").stdout)) == 2


@contextmanager
def server(folder, bundle, flags):
    """Run a TLS server that requires a client certificate of the bundle and answers trusted clients
    with one byte.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags = (context.verify_flags & ~PARTIAL) | flags
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(bundle)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)

        def serve():
            while not over.is_set():
                try:
                    plain, _ = listener.accept()
                except TimeoutError:
                    continue
                plain.settimeout(SECONDS)
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        secure.sendall(b"!")
                except (ssl.SSLError, OSError):
                    plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            over.set()
            thread.join(SECONDS)


def is_let_in(address, folder, name):
    """Return whether a client with this certificate gets the server's byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(folder / f"{name}.pem")
    try:
        with (
            socket.create_connection(address, SECONDS) as plain,
            context.wrap_socket(plain) as secure,
        ):
            return secure.recv(1) == b"!"
    except (ssl.SSLError, ConnectionError):
        return False


def test_the_trap_and_the_way_out_with_a_real_server(tfcert, tmp_path, callers):
    """OpenSSL accepts only the first of two certificates by default; with partial chains it accepts
    both.
    """
    folder, pems = callers
    source = state(
        tmp_path,
        [("a", "old000", pems["old"]), ("b", "new000", pems["new"])],
        declare=ROTATING.replace("POINTED", "a"),
    )
    trust = tmp_path / "trust.pem"
    assert tfcert("bundle", source, "--offline", "--out", trust).returncode == 0
    with server(folder, trust, 0) as address:
        assert {name: is_let_in(address, folder, name) for name in ("old", "new", "stranger")} == {
            "old": True,
            "new": False,
            "stranger": False,
        }
    with server(folder, trust, PARTIAL) as address:
        assert {name: is_let_in(address, folder, name) for name in ("old", "new", "stranger")} == {
            "old": True,
            "new": True,
            "stranger": False,
        }


def test_the_page_and_the_runbook_say_the_same_of_the_trap(fixtures):
    """docs/trust.md has the table of the runbook, with the OpenSSL flag that the tests use."""
    root = fixtures.parent
    shared = (root / "checker/patches/templates/trust.md.j2").read_text(encoding="utf-8")
    page = (root / "docs/trust.md").read_text(encoding="utf-8")
    assert shared in page
    assert '{% include "trust.md.j2" %}' in (
        root / "checker/patches/templates/runbook.md.j2"
    ).read_text(encoding="utf-8")
    assert int(getattr(ssl, re.findall(r"ssl\.(VERIFY_\w+)", shared)[0])) == PARTIAL
