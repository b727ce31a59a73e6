"""The verdict of a probe through TestInvokeMethod is what direct TLS calls with the key pairs show,
for real servers.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import trusting
from callers import SECONDS, free_port
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from equipped import environment
from trusting import ANSWERING, WAYS, Place

from checker.aws import Connection
from checker.aws import probe as probes
from checker.aws.boto_gateway import BotoGateways
from checker.aws.probe import ProbeSubject, ProbeWish, plan_probe, run_probe
from checker.demo.emulator import LogForm, SeedApi, SeedCertificate, SeedMethod
from checker.model import places
from checker.model.probe import ProbeVerdict
from checker.model.resources import Presents, Stage, StageKind
from checker.model.trust import StageCertificate, StagePair

BOTH, SUCCESSOR, PREDECESSOR, NOT_REQUIRED, _, UNKNOWN = ProbeVerdict
IDS = {"old": "0ldone", "new": "newone", "third": "th1rd0", "ended": "ended0"}
PATIENCE = 60
# The ways that a server does not support.
WITHOUT = {
    "caddy": {name for name, way in WAYS.items() if way.mode == "pinned"},
    "apache2": {name for name, way in WAYS.items() if way.answer != 200},
}
SERVERS = {
    "python": {**WAYS, **ANSWERING},
    "nginx": {**WAYS, **ANSWERING},
    "haproxy": WAYS,
    "envoy": WAYS,
    "apache2": {**WAYS, **{name: way for name, way in ANSWERING.items() if way.refusing == 403}},
    "caddy": WAYS,
    "caddy-2.11": WAYS,
}


@pytest.fixture(scope="module")
def pairs(running, tmp_path_factory):
    """Return a folder with the PEM and the key of each certificate that the emulator issued, each
    with its own key.
    """
    from moto.apigateway.models import apigateway_backends

    from checker.demo.emulator.certificates import certificate_store

    folder = tmp_path_factory.mktemp("pairs")
    now = datetime.now(UTC)
    for name, identity in IDS.items():
        days = -3 if name == "ended" else 300
        running.seed(SeedCertificate(id=identity, expires_at=now + timedelta(days=days)))
    stored = certificate_store(apigateway_backends["123456789012"]["us-east-1"])
    for name, identity in IDS.items():
        own = stored.get(identity)
        key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_text(own.pem.replace("\r\n", "\n") + "\n")
        (folder / f"{name}.key").write_bytes(key)
    return folder


def shown(port, pairs, name):
    """Return the status of a direct call with a key pair, or None if the handshake failed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if name is not None:
        context.load_cert_chain(pairs / f"{name}.pem", pairs / f"{name}.key")
    try:
        with (
            socket.create_connection(("127.0.0.1", port), SECONDS) as plain,
            context.wrap_socket(plain) as secure,
        ):
            secure.sendall(b"GET /direct HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = secure.recv(4096)
    except (ssl.SSLError, ConnectionError):
        return None
    return int(answer.split()[1]) if answer else None


def expected(way, seen):
    """Return the verdict that direct calls without a certificate, with the old one and with the new
    one imply.
    """
    none, old, new = (status == way.answer for status in seen)
    if way.answer == 401 and none:
        return UNKNOWN
    if none:
        return NOT_REQUIRED if new else PREDECESSOR
    if new:
        return BOTH if old else SUCCESSOR
    if old:
        return PREDECESSOR
    return UNKNOWN


@pytest.fixture(scope="module")
def trusting_servers(running, pairs, certificates, tmp_path_factory):
    """Yield a function that starts a server with a port for each way, and an API for each port, and
    returns the places by way.
    """
    with ExitStack() as stack:

        def start(name, program):
            for _ in range(3):
                folder = tmp_path_factory.mktemp(name)
                ways = {
                    way: one
                    for way, one in SERVERS[name].items()
                    if way not in WITHOUT.get(name.partition("-")[0], set())
                }
                made = {}
                for number, (way, one) in enumerate(ways.items()):
                    pems = tuple((pairs / f"{each}.pem").read_text() for each in one.names)
                    bundle = folder / f"{number}.pem"
                    bundle.write_text("".join(pems))
                    made[way] = Place(
                        way=one,
                        port=free_port(),
                        bundle=bundle,
                        log=folder / f"{number}.requests",
                        pems=pems,
                    )
                kind = name.partition("-")[0]
                command = getattr(trusting, kind)(program, [*made.values()], folder, certificates)
                log = stack.enter_context((folder / "log").open("wb"))
                home = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
                process = subprocess.Popen(
                    [*map(str, command)],
                    cwd=folder,
                    env=environment() | home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
                stack.callback(process.wait, SECONDS)
                stack.callback(process.terminate)
                if all(listens(place.port, process) for place in made.values()):
                    for number, place in enumerate(made.values()):
                        health = SeedMethod(uri=f"https://127.0.0.1:{place.port}/health")
                        orders = SeedMethod(uri=f"https://127.0.0.1:{place.port}/orders")
                        methods = {"GET /health": health, "POST /orders": orders}
                        running.seed(
                            SeedApi(id=f"api{number}", stages={"live": None}, methods=methods)
                        )
                    return made
            raise AssertionError((folder / "log").read_text(errors="replace")[-4000:])

        yield start


def listens(port, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process.poll() is None
    return False


@pytest.fixture
def ask(running, monkeypatch):
    """Return a function that probes the API of a place with each form of the log and yields the
    results.
    """
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, text in running.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, text)
    monkeypatch.setattr(probes, "_SPACING", 0.0)
    using = BotoGateways(Connection(region="us-east-1"))

    def run(number, way):
        old = "ended" if way.ended else "old"
        ends = datetime.now(UTC) - timedelta(days=3) if way.ended else None
        stage = Stage(
            address=None,
            kind=StageKind.REST,
            api_id=f"api{number}",
            name="live",
            place=places.Place("aws", "123456789012", "us-east-1"),
            presents=Presents(IDS[old]),
        )
        pair = StagePair(
            stage=stage,
            predecessor=StageCertificate(id=IDS[old], ends=ends),
            successor=StageCertificate(id=IDS["new"]),
        )
        wish = ProbeWish()
        plan = plan_probe(using, wish, [ProbeSubject(pair=pair, methods=("GET /health",))])
        for form in LogForm:
            running.write_test_log(form)
            report = run_probe(using, wish, plan)
            (result,) = report.results
            assert report.calls == 3
            yield form, result

    return run


@pytest.mark.parametrize("name", SERVERS)
def test_the_verdict_is_what_a_direct_call_shows(trusting_servers, program, pairs, ask, name):
    """A probe's verdict equals that of direct calls for each way to trust and each log form.

    It makes three calls of the named method only.
    """
    made = trusting_servers(name, program(name) if name != "python" else None)
    wrong, verdicts = [], set()
    for number, (way, place) in enumerate(made.items()):
        old = "ended" if place.way.ended else "old"
        seen = [shown(place.port, pairs, each) for each in (None, old, "new")]
        wanted = expected(place.way, seen)
        place.log.unlink(missing_ok=True) if name == "python" else None
        for form, result in ask(number, place.way):
            verdicts.add(result.verdict)
            if result.verdict is not wanted:
                wrong.append((way, form, seen, wanted, result.verdict, result.reason))
        if place.log.exists():
            requests = [
                line.rpartition(" ")[0]
                for line in place.log.read_text().splitlines()
                if "/direct" not in line
            ]
            assert set(requests) <= {"GET /health"}, way
            assert len(requests) <= 3 * len(LogForm), way
    assert wrong == []
    assert {BOTH, SUCCESSOR, PREDECESSOR, NOT_REQUIRED, UNKNOWN} - {
        BOTH if name == "caddy" else None
    } <= verdicts
